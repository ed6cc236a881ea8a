import pg from "pg";
import { newBrowserSecret } from "../../server/src/login/sessions/browser-secret.ts";
import { openDatabase } from "../../server/src/platform/database/database.ts";
import { migrate } from "../../server/src/platform/database/migrate.ts";
import { type Environment, newId } from "../../server/src/platform/ids.ts";
import { prepareJobSchema } from "../../server/src/platform/jobs/schema.ts";
import { silentLog } from "../../server/src/platform/log.ts";
import { systemRandom } from "../../server/src/platform/random.ts";
import { arrangeApplication, arrangeUser, type TestFintech } from "../../server/src/testing/fixtures.ts";
import { arrangeBook } from "../../server/src/testing/ledger-fixture.ts";
import { generateSecret, hashSecret, hintOf } from "../../server/src/tokens/token-secret.ts";

/** A fintech whose tokens are revoked. */
export interface ArrangedFintech {
  readonly ifiId: string;
  readonly clientId: string;
  /** The cookie of an admin who is logged in to the console. */
  readonly cookie: string;
  /** Funded accounts, between which its tokens move money. */
  readonly accounts: readonly string[];
}

export interface ArrangedToken {
  /** Its number in the run. */
  readonly number: number;
  readonly tokenId: string;
  readonly secret: string;
  readonly fintech: ArrangedFintech;
}

export interface Arrangement {
  readonly fintechs: readonly ArrangedFintech[];
  readonly tokens: readonly ArrangedToken[];
}

/** The account as which the nodes connect: it owns nothing. */
export const nodeRole = "fusion_node";

const accountsEach = 12;
const environment: Environment = "sandbox";
/** How many rows one INSERT has. */
const insertRows = 1_000;

/** The schema, fintechs, funded accounts, logged-in people, and more tokens than will be revoked. */
export async function arrangeDatabase(
  ownerUrl: string,
  {
    fintechs,
    tokens,
    migrationsFolder,
  }: { readonly fintechs: number; readonly tokens: number; readonly migrationsFolder: string },
): Promise<Arrangement> {
  await migrate(ownerUrl, { folder: migrationsFolder });
  await prepareJobSchema(ownerUrl);
  const owner = new pg.Pool({ connectionString: ownerUrl, max: 4 });
  const db = openDatabase({ connectionString: ownerUrl, role: "fusion_runtime", log: silentLog() });
  try {
    await owner.query(`CREATE ROLE ${nodeRole} LOGIN; GRANT fusion_runtime TO ${nodeRole}`);
    const made: { fintech: ArrangedFintech; issue(count: number): Promise<ArrangedToken[]> }[] = [];
    while (made.length < fintechs) {
      const book = await arrangeBook({ db, owner }, { environment });
      const accounts: string[] = [];
      while (accounts.length < accountsEach) accounts.push(await book.fund(1_000_000_000_000n));
      const fintech = {
        ifiId: book.tenant.ifiId,
        clientId: book.fintech.clientId,
        cookie: await logIn(owner, book.fintech),
        accounts,
      };
      const applicationId = await arrangeApplication(owner, book.fintech, environment);
      const { userId } = await arrangeUser(owner, book.fintech, "fintech_admin");
      made.push({
        fintech,
        issue: (count) => issueTokens(owner, { fintech, applicationId, userId, count }),
      });
    }
    const issued: ArrangedToken[][] = [];
    for (const { issue } of made) issued.push(await issue(Math.ceil(tokens / fintechs)));
    return { fintechs: made.map(({ fintech }) => fintech), tokens: interleave(issued) };
  } finally {
    await db.close();
    await owner.end();
  }
}

/** A session of a new admin, as a login would leave it. */
async function logIn(owner: pg.Pool, fintech: TestFintech): Promise<string> {
  const { userId } = await arrangeUser(owner, fintech, "fintech_admin");
  const { secret, secretHash } = newBrowserSecret(systemRandom);
  await owner.query(
    `INSERT INTO user_session (session_id, secret_hash, user_id, device_id, created_at, last_seen_at, expires_at, stepped_up_at, ip, user_agent)
     VALUES ($1, $2, $3, 'dev_revocation', now(), now(), now() + interval '12 hours', now(), '127.0.0.1', 'revocation test')`,
    [newId(systemRandom, "ses"), secretHash, userId],
  );
  return `fusion_session=${secret}`;
}

/** Writes the tokens straight into the table, as many per statement as fit: issuing each one would take longer than the run. */
async function issueTokens(
  owner: pg.Pool,
  {
    fintech,
    applicationId,
    userId,
    count,
  }: { fintech: ArrangedFintech; applicationId: string; userId: string; count: number },
): Promise<ArrangedToken[]> {
  const tokens = Array.from({ length: count }, () => ({
    number: 0,
    tokenId: newId<string>(systemRandom, "tok"),
    secret: generateSecret(systemRandom, environment),
    fintech,
  }));
  for (let from = 0; from < count; from += insertRows) {
    const part = tokens.slice(from, from + insertRows);
    await owner.query(
      `INSERT INTO token (ifi_id, environment, fintech_id, application_id, token_id, secret_hash, hint, name, scopes,
         created_at, created_by, expires_at)
       SELECT ifi_id, environment, fintech_id, application_id, made.token_id, made.secret_hash, made.hint, 'Revocation test', '{admin}',
         now() - interval '1 minute', $2, now() + interval '30 days'
       FROM application, unnest($3::text[], $4::bytea[], $5::text[]) AS made (token_id, secret_hash, hint)
       WHERE application_id = $1`,
      [
        applicationId,
        userId,
        part.map(({ tokenId }) => tokenId),
        part.map(({ secret }) => hashSecret(secret)),
        part.map(({ secret }) => hintOf(secret)),
      ],
    );
  }
  return tokens;
}

/** Takes one of each fintech in turn, so that the tokens in use at the same time come from all of them. */
function interleave(lists: readonly ArrangedToken[][]): ArrangedToken[] {
  const length = Math.max(...lists.map((list) => list.length));
  return Array.from({ length }, (_, at) => lists.flatMap((list) => list[at] ?? []))
    .flat()
    .map((token, number) => ({ ...token, number }));
}
