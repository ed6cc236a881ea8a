import type pg from "pg";
import type { UserPrincipal } from "../access/principal.ts";
import { type ManualClock, manualClock } from "../platform/clock.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import type { Message } from "../platform/messages/message.ts";
import { systemRandom } from "../platform/random.ts";
import type { SendDeps } from "../reminders/send-digest.ts";
import { sweepReminders } from "../reminders/sweep.ts";
import { timedBy } from "./database-time.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  grantAccess,
  type TestFintech,
} from "./fixtures.ts";
import type { TestDatabase } from "./test-database.ts";
import { testKeys } from "./test-keys.ts";
import { arrangeToken } from "./token-fixture.ts";

type Person = Awaited<ReturnType<typeof arrangeUser>>;

export interface TestReminders {
  /** At 09:00 IST, 15 days before the tokens' end. The time of the database of `deps` follows it. */
  readonly clock: ManualClock;
  /** What was sent, oldest first. */
  readonly letters: Message[];
  readonly deps: SendDeps;
  readonly fintech: TestFintech;
  /** In the live environment. */
  readonly application: ApplicationId;
  /** Can be reached only by mail. */
  readonly admin: Person;
  /** May manage the application. */
  readonly member: Person;
  token(options?: {
    expiresAt?: Date;
    replaces?: TokenId;
    name?: string;
    createdAt?: string;
    application?: ApplicationId;
  }): Promise<TokenId>;
  subscribe(tokenId: TokenId, person: UserPrincipal, at?: string): Promise<void>;
  revoke(tokenId: TokenId): Promise<unknown>;
  /** What the renewal of a token plans for it: its revocation a day later, or a day after its replacement's first use. */
  planRevocation(tokenId: TokenId, from?: "now" | "first_use"): Promise<unknown>;
  /** Sweeps at that instant. */
  at(instant: string): ReturnType<typeof sweepReminders>;
  /** Sweeps this many local days from the first, each at 09:00 IST. */
  sweepDays(from: string, days: number): Promise<void>;
  reminders(): Promise<{ day: string; state: string; channel: string; error: string | null }[]>;
}

/** A fintech that has the database to itself, and a messenger that keeps its letters, or throws what `refuse` returns for one. */
export async function arrangeReminders(
  database: Pick<TestDatabase, "db" | "owner" | "stopTime">,
  refuse: (message: Message) => Error | undefined = () => undefined,
): Promise<TestReminders> {
  const { owner } = database;
  await owner.query("TRUNCATE ifi, console_user CASCADE");
  const clock = manualClock("2027-11-08T03:30:00Z");
  const letters: Message[] = [];
  const deps: SendDeps = {
    db: timedBy(database, clock),
    clock,
    random: systemRandom,
    keys: testKeys,
    log: silentLog(),
    publicUrl: "https://fusion.example",
    messenger: {
      async send(message) {
        const error = refuse(message);
        if (error) throw error;
        letters.push(message);
        return `250 ok ${letters.length}`;
      },
    },
  };
  const fintech = await arrangeFintech(owner);
  await owner.query("UPDATE fintech SET created_at = '2027-01-01'");
  const application = await arrangeApplication(owner, fintech, "live");
  const admin = await arrangeUser(owner, fintech, "fintech_admin", { phone: null });
  const member = await arrangeUser(owner, fintech, "fintech_member");
  await grantAccess(owner, member, application, "manage");
  return {
    clock,
    letters,
    deps,
    fintech,
    application,
    admin,
    member,
    async token(options = {}) {
      const made = await arrangeToken(owner, options.application ?? application, admin, {
        createdAt: new Date(options.createdAt ?? "2027-02-01T00:00:00Z"),
        expiresAt: options.expiresAt ?? expiry,
        name: options.name ?? "billing",
        ...(options.replaces ? { replaces: options.replaces } : {}),
      });
      return made.tokenId;
    },
    async subscribe(tokenId, person, at = "2027-02-01T00:00:00Z") {
      await owner.query(
        `INSERT INTO token_subscription (ifi_id, environment, fintech_id, application_id, token_id, user_id, subscribed_at)
         SELECT ifi_id, environment, fintech_id, application_id, token_id, $2, $3 FROM token WHERE token_id = $1`,
        [tokenId, person.userId, at],
      );
    },
    revoke: (tokenId) =>
      owner.query(
        `UPDATE token SET revoked_at = $2, revoked_by_kind = 'system', revoked_by = 'x', revoked_by_name = 'x',
                          revoke_reason = 'replaced' WHERE token_id = $1`,
        [tokenId, clock.now()],
      ),
    planRevocation: (tokenId, from = "now") =>
      owner.query(
        `INSERT INTO planned_revocation (ifi_id, environment, fintech_id, application_id, token_id, replacement_id, overlap, counted_from, planned_at, planned_by)
         SELECT ifi_id, environment, fintech_id, application_id, replaces_token_id, token_id, '24h', $2, created_at, created_by
         FROM token WHERE replaces_token_id = $1`,
        [tokenId, from],
      ),
    at(instant) {
      clock.set(instant);
      return sweepReminders(deps);
    },
    async sweepDays(from, days) {
      for (let day = 0; day < days; day += 1) {
        clock.set(new Date(Date.parse(`${from}T03:30:00Z`) + day * 86_400_000));
        await sweepReminders(deps);
      }
    },
    reminders: () => listReminders(owner),
  };
}

/** A reminder's text without its recipient's personal link, which a preview leaves out. */
export function withoutOwnLink(text: string | undefined): string | undefined {
  return text?.replace(/End this mail, for all tokens:\s+\S+\n\n/, "");
}

const expiry = new Date("2027-11-23T05:30:00Z"); // 11:00 IST.

async function listReminders(owner: pg.Pool): ReturnType<TestReminders["reminders"]> {
  const { rows } = await owner.query(
    "SELECT local_day::text AS day, state, channel, error FROM reminder ORDER BY local_day, channel, user_id, token_id",
  );
  return rows;
}
