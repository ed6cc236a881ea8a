import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { expect } from "vitest";
import type { Product } from "./product.ts";

/**
 * States that only time brings, written straight into the product's database as its owner: a browser test cannot wait for them, and a
 * running product uses the real clock.
 */

async function asOwner(product: Product, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const lines = readFileSync(join(product.dataFolder, "postgres/postmaster.pid"), "utf8").split("\n");
  const client = new pg.Client({
    host: lines[4],
    port: Number(lines[3]),
    user: "fusion",
    database: "fusion",
  });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** Lets every address be sent a code again, as after an hour. */
export function forgetSentCodes(product: Product): Promise<void> {
  return asOwner(product, (client) => client.query("DELETE FROM code_sending"));
}

/** Makes it so that nobody has proven presence within the last five minutes. */
export function forgetPresence(product: Product): Promise<void> {
  return asOwner(product, (client) =>
    client.query("UPDATE user_session SET stepped_up_at = stepped_up_at - interval '6 minutes'"),
  );
}

/** Makes live sessions last used this long ago. */
export function letSessionsIdle(product: Product, seconds: number): Promise<void> {
  return asOwner(product, (client) =>
    client.query(
      "UPDATE user_session SET last_seen_at = now() - make_interval(secs => $1) WHERE ended_at IS NULL",
      [seconds],
    ),
  );
}

/** Makes live sessions so old that they end this soon, whatever is done. */
export function letSessionsAge(product: Product, secondsLeft: number): Promise<void> {
  return asOwner(product, (client) =>
    client.query(
      "UPDATE user_session SET expires_at = now() + make_interval(secs => $1) WHERE ended_at IS NULL",
      [secondsLeft],
    ),
  );
}

/** Marks an address as one that reminders found not to exist. */
export function letAddressBounce(product: Product, address: string): Promise<void> {
  return asOwner(product, (client) =>
    client.query("UPDATE identity SET bounced_at = now() WHERE address = $1", [address]),
  );
}

/** Makes all codes that were sent expire. */
export function expireCodes(product: Product): Promise<void> {
  return asOwner(product, (client) =>
    client.query("UPDATE one_time_code SET expires_at = created_at + interval '1 ms'"),
  );
}

/**
 * Resolves when this many calls with tokens of these names are in the database. They are written once a second, later on a busy machine.
 */
export function untilCallsAreWritten(
  product: Product,
  names: readonly string[],
  calls: number,
): Promise<void> {
  return asOwner(product, (client) =>
    expect
      .poll(
        async () => {
          const { rows } = await client.query<{ calls: number }>(
            "SELECT coalesce(sum(calls), 0)::int AS calls FROM token_call_hour JOIN token USING (token_id) WHERE name = ANY ($1)",
            [names],
          );
          return rows[0]?.calls;
        },
        { timeout: 60_000 },
      )
      .toBe(calls),
  );
}

/** Moves a token's whole life this many days back, and gives it calls on each of the last `callDays` days before its last use. */
export function letDaysPass(product: Product, name: string, days: number, callDays = 0): Promise<void> {
  return asOwner(product, async (client) => {
    await client.query(
      `UPDATE token SET created_at = created_at - make_interval(hours => $2 * 24), expires_at = expires_at - make_interval(hours => $2 * 24)
       WHERE name = $1`,
      [name, days],
    );
    await client.query(
      `UPDATE audit_entry SET at = at - make_interval(hours => $2 * 24) WHERE object_id IN (SELECT token_id FROM token WHERE name = $1)`,
      [name, days],
    );
    await client.query(
      `INSERT INTO token_call_hour
       SELECT ifi_id, environment, fintech_id, application_id, token_id, date_trunc('hour', now()) - make_interval(days => day),
         '203.0.113.7', 'okhttp/4.12', outcome, calls + (day * 37) % 61, now() - make_interval(days => day)
       FROM token, generate_series(1, $2::int) day, (VALUES ('accepted', 180), ('ip_not_allowed', 1)) kind (outcome, calls)
       WHERE name = $1 AND (outcome = 'accepted' OR day % 9 = 4)`,
      [name, callDays],
    );
  });
}
