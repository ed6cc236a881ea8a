// Large numbers of tokens, written directly in SQL as the owner, since issuing each one takes a person.
import { writeFileSync } from "node:fs";
import type pg from "pg";
import type { ApplicationId } from "../server/src/platform/ids.ts";
import { systemRandom } from "../server/src/platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../server/src/testing/fixtures.ts";
import { generateSecret, hashSecret } from "../server/src/tokens/token-secret.ts";

const insertInto = `INSERT INTO token (ifi_id, environment, fintech_id, application_id, token_id, secret_hash, hint, name, scopes,
  created_at, created_by, expires_at)`;

export interface TokenOwners {
  readonly applicationIds: readonly ApplicationId[];
  readonly userId: string;
}

/** Four fintechs with five live applications each. */
export async function arrangeOwners(owner: pg.Pool): Promise<TokenOwners> {
  const applicationIds: ApplicationId[] = [];
  let userId = "";
  for (let fintechs = 0; fintechs < 4; fintechs += 1) {
    const fintech = await arrangeFintech(owner);
    userId = (await arrangeUser(owner, fintech, "fintech_admin")).userId;
    for (let applications = 0; applications < 5; applications += 1)
      applicationIds.push(await arrangeApplication(owner, fintech, "live"));
  }
  return { applicationIds, userId };
}

/** Adds live tokens, by turns for all applications, with two scopes and 30 days left. Writes their secrets to `file`, one per line. */
export async function addUsableTokens(
  owner: pg.Pool,
  { applicationIds, userId }: TokenOwners,
  { count, file }: { readonly count: number; readonly file: string },
): Promise<void> {
  const secrets = Array.from({ length: count }, () => generateSecret(systemRandom, "live"));
  writeFileSync(file, secrets.join("\n"));
  for (let from = 0; from < count; from += 50_000) {
    const some = secrets.slice(from, from + 50_000);
    await owner.query(
      `${insertInto}
       SELECT ifi_id, environment, fintech_id, application_id, 'tok_' || left(translate(encode(hash, 'base64'), '+/=' || chr(10), ''), 20),
         hash, 'fus_live_…', 'Bench', '{accounts:read,transfers:read}', now(), $3, now() + interval '30 days'
       FROM unnest($1::bytea[]) WITH ORDINALITY AS made (hash, number)
       JOIN application ON application_id = ($2::text[])[1 + number % cardinality($2::text[])]`,
      [some.map(hashSecret), applicationIds, userId],
    );
  }
}

/** Adds rows of tokens that nobody presents, to see what a large table costs. */
export async function addStoredTokens(
  owner: pg.Pool,
  { applicationIds, userId }: TokenOwners,
  { count, say }: { readonly count: number; readonly say: (line: string) => void },
): Promise<void> {
  const client = await owner.connect();
  try {
    // Filling is not measured, so it skips the checks of foreign keys that hold by construction and does not wait for the disk.
    await client.query("SET session_replication_role = replica; SET synchronous_commit = off");
    for (let from = 0; from < count; from += 500_000) {
      say(`  ${from.toLocaleString("en")} stored`);
      await client.query(
        `${insertInto}
         SELECT ifi_id, environment, fintech_id, application_id, 'tok_stored' || number, sha256(number::text::bytea),
           'fus_live_…', 'Stored', '{accounts:read,transfers:read}', now(), $3, now() + interval '30 days'
         FROM generate_series($1::bigint, $2::bigint) AS number
         JOIN application ON application_id = ($4::text[])[1 + number % cardinality($4::text[])]`,
        [from + 1, Math.min(from + 500_000, count), userId, applicationIds],
      );
    }
  } finally {
    client.release(true);
  }
  await owner.query("VACUUM ANALYZE token");
  await owner.query("CHECKPOINT");
}

/** Well-formed secrets that belong to no token. */
export function unknownSecrets(count: number): string[] {
  return Array.from({ length: count }, () => generateSecret(systemRandom, "live"));
}
