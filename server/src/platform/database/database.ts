import pg from "pg";
import type { FintechKey, Tenant } from "../ids.ts";
import type { Log } from "../log.ts";
import { createOutage } from "../outage.ts";
import { committing } from "./commit.ts";
import { ConnectingClient } from "./connecting-client.ts";
import { isDatabaseAway } from "./database-away.ts";
import { onConnection } from "./on-connection.ts";
import { OutcomeUnknown } from "./outcome-unknown.ts";
import { type PreparedStatement, textOf } from "./prepared.ts";
import { isReadOnly, watchRefusedWrites } from "./refused-writes.ts";
import { type SilenceLimits, watchSilentConnections } from "./silent-connections.ts";

// int8 arrives as text by default, which is what we want: money and ids become bigint or branded strings where they are read.
// bytea, timestamptz, json and arrays keep pg's own parsers.

/** Runs one statement. `values` fill `$1`, `$2`, … */
export interface Queryable {
  query<Row extends object = Record<string, unknown>>(
    statement: string | PreparedStatement,
    values?: readonly unknown[],
  ): Promise<Row[]>;
}

/** Statements that commit or fail together, seen through the row-level security of their scope. */
export interface Transaction extends Queryable {
  /** Runs after the commit, in order; skipped when the transaction fails. For work that must not precede the fact. */
  afterCommit(work: () => void | Promise<void>): void;
  /**
   * Asks this in the message that commits, after everything that is deferred to the commit; so the server that commits is the one that
   * answers. Resolves with the rows after the commit, and never resolves when there is no commit.
   */
  atCommit<Row extends object = Record<string, unknown>>(text: string): Promise<Row[]>;
}

/**
 * What a transaction may see. Row-level security enforces it, so that a forgotten filter shows nothing:
 * - `tenants`: these (IFI, environment, fintech) triples, as when a token calls;
 * - `fintech`: one fintech in all its environments, as when its people use the console;
 * - `system`: everything; for logging in, operators and jobs.
 */
export type DataScope =
  | { readonly kind: "tenants"; readonly tenants: readonly Tenant[] }
  | ({ readonly kind: "fintech" } & FintechKey)
  | { readonly kind: "system" };

export const systemScope: DataScope = { kind: "system" };

export interface Database {
  /**
   * Runs `work` in one READ COMMITTED transaction limited to `scope`. Commits when it returns; rolls back when it throws.
   * Throws {@link OutcomeUnknown} when it cannot be told whether the commit will last, and connection errors as pg gives them.
   */
  transaction<Result>(scope: DataScope, work: (tx: Transaction) => Promise<Result>): Promise<Result>;
  /**
   * For reading only: each statement runs in a READ ONLY transaction of its own, limited to `scope`, in one round trip. Several statements
   * see concurrent commits just as those of one transaction would, which is READ COMMITTED.
   */
  reader(scope: DataScope, limit?: { readonly answerMs?: number }): Queryable;
  /**
   * For a change in one statement: each runs in a READ COMMITTED transaction of its own, limited to `scope`, begun and committed in one
   * round trip. Throws {@link OutcomeUnknown} when it cannot be told whether the commit will last, also when the connection broke before
   * it; after any other error nothing was written.
   */
  writer(scope: DataScope): Queryable;
  /** One statement in one round trip, on tables that belong to no tenant: row-level security hides every row of tenant tables from it. */
  queryUnscoped<Row extends object = Record<string, unknown>>(
    statement: string | PreparedStatement,
    values?: readonly unknown[],
  ): Promise<Row[]>;
  /** A connection outside any scope (row-level security shows it no tenant row), for health checks and LISTEN. */
  connect(): Promise<pg.PoolClient>;
  /**
   * A connection outside the pool and past any pooler, for work that must never wait for others, and for LISTEN; the caller ends it. The
   * connection and its statements fail after `timeoutMs`, so that a server that does not answer is noticed.
   */
  connectApart(timeoutMs: number): Promise<pg.Client>;
  /** For users of `connect` or `pool`: reports a failure. If the database is away, the log is told, once. */
  noteFailure(error: unknown): void;
  /** Why the database has lately refused writes although it answers, such as a full disk; undefined while it writes. */
  refusal(): string | undefined;
  /** The pool itself, for statements that need no scope. */
  readonly pool: pg.Pool;
  /** Past any pooler, for the job queue: it listens and prepares statements, so its connections must be sessions of their own. */
  readonly sessionPool: pg.Pool;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly connectionString: string;
  /** The same database past the pooler that `connectionString` leads to, if that is one. */
  readonly directConnectionString?: string | undefined;
  /** The role to act as from the first statement on, if the connection's own role is the owner. */
  readonly role?: string;
  readonly connectionsMax?: number;
  readonly silence?: SilenceLimits;
  readonly log: Log;
}

/**
 * How long an unused connection stays open. A new one needs some 30 ms of the database before it is as quick as the others (its process,
 * its caches), and calls come in bursts: with a limit of seconds, each burst would open a dozen at once and wait for them.
 */
const idleConnectionMs = 600_000;
/** Two listen for jobs; the others fetch and return jobs, which is quick. */
const sessionsMax = 6;

/** Opens a pool of connections that act as the runtime role. Nothing connects until the first use. */
export function openDatabase(options: DatabaseOptions): Database {
  const settings = [
    "-c timezone=UTC",
    "-c idle_in_transaction_session_timeout=10000",
    // sql-literals.ts relies on this. It is the default everywhere, unless somebody changed it.
    "-c standard_conforming_strings=on",
    // After waiting at a gate, a statement must read what was committed meanwhile, not what held before it waited.
    "-c default_transaction_isolation=read\\ committed",
  ];
  if (options.role) settings.push(`-c role=${options.role}`);
  const { connectionString, directConnectionString = connectionString } = options;
  const createPool = (to: string, max: number): pg.Pool => {
    const pool = new pg.Pool({
      connectionString: to,
      Client: ConnectingClient,
      max,
      options: settings.join(" "),
      connectionTimeoutMillis: 10_000,
      idleTimeoutMillis: idleConnectionMs,
      // So that firewalls do not forget an idle connection, and one whose server has vanished is noticed in some 20 s instead of by the
      // next caller.
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      // A statement that need not wait for the last answer is sent at once; PostgreSQL answers in turn.
      pipeline: true,
      application_name: "fusion",
    });
    // An idle connection that breaks is replaced at the next use, and only that use tells whether the database is away. Without a handler
    // its error would end the process.
    pool.on("error", (error) => {
      options.log.debug({ err: error }, "an idle database connection broke");
    });
    // A connection that breaks while it is used reports that in the statement; its event needs a listener all the same (the job queue warns
    // without one).
    pool.on("connect", (client) => client.on("error", () => undefined));
    return pool;
  };
  const pool = createPool(connectionString, options.connectionsMax ?? 16);
  const sessionPool =
    directConnectionString === connectionString ? pool : createPool(directConnectionString, sessionsMax);
  /** A pooler lends one connection to many clients, and none of them finds there what it has prepared. */
  const prepares = sessionPool === pool;
  const toAsk = (statement: string | PreparedStatement, values?: readonly unknown[]): pg.QueryConfig => {
    const asked = { text: textOf(statement), values: values as unknown[] };
    return prepares && typeof statement !== "string" ? { ...asked, name: statement.name } : asked;
  };
  let closing = false;
  const outage = createOutage(options.log, {
    part: "database",
    gone: "the database cannot be reached",
    back: "the database is reached again",
    // Each connection of the process notices an outage on its own.
    settleMs: 2_000,
  });
  const refusals = watchRefusedWrites(options.log);
  const noteFailure = (error: unknown): void => {
    const failure = error instanceof OutcomeUnknown ? error.cause : error;
    if (!closing && isDatabaseAway(failure) && !refusals.failed(failure)) outage.failed(failure);
  };
  const connectApart: Database["connectApart"] = async (timeoutMs) => {
    const client = new ConnectingClient({
      connectionString: directConnectionString,
      options: settings.join(" "),
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      application_name: "fusion",
    });
    // The statement that meets a broken connection fails, and so does anybody who listens for it.
    client.on("error", () => undefined);
    try {
      await client.connect();
    } catch (error) {
      void client.end().catch(() => undefined);
      throw error;
    }
    return client;
  };
  const endWatch = watchSilentConnections({
    pool: sessionPool,
    connectApart,
    log: options.log,
    limits: options.silence,
  });
  const connect = (): Promise<pg.PoolClient> =>
    pool.connect().catch((error: unknown) => {
      noteFailure(error);
      throw error;
    });
  const transaction: Database["transaction"] = async (scope, work) => {
    const afterCommit: (() => void | Promise<void>)[] = [];
    const atCommit: { readonly text: string; readonly answer: (rows: never[]) => void }[] = [];
    const result = await onConnection({ connect, noteFailure }, async (client, isBroken) => {
      // It goes to the database with the work's first statement, which is answered only if this is.
      const opened = client.query(`BEGIN; ${scopeStatement(scope)}`).then(outage.worked);
      opened.catch(() => undefined);
      let over = false;
      const query: Queryable["query"] = async (statement, values) => {
        // One of several parallel statements failed. Any further one would run on this connection after it was given to somebody else.
        if (over) throw new Error("The transaction is over.");
        return (await Promise.all([opened, client.query(toAsk(statement, values))]))[1].rows;
      };
      const worked = await work({
        query,
        afterCommit: (task) => void afterCommit.push(task),
        atCommit: (text) => new Promise((answer) => void atCommit.push({ text, answer })),
      }).finally(() => {
        over = true;
      });
      await opened;
      const deferred = atCommit.length > 0 ? "SET CONSTRAINTS ALL IMMEDIATE; " : "";
      const asked = atCommit.map(({ text }) => `${text}; `).join("");
      // pg answers a message of several statements with several results; its types do not say so.
      const commit = async (): Promise<pg.QueryResult[]> =>
        [await client.query(`${deferred}${asked}COMMIT`)].flat();
      // On a connection that broke meanwhile pg sends nothing any more, so the commit is not in doubt: the work may be done again.
      const results = await (isBroken() ? commit() : committing(client, commit));
      // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error.
      if (results.at(-1)?.command !== "COMMIT")
        throw new Error("The transaction had failed and was rolled back.");
      for (const [at, { answer }] of atCommit.entries()) answer((results[at + 1]?.rows ?? []) as never[]);
      return worked;
    });
    refusals.worked();
    for (const task of afterCommit) await task();
    return result;
  };
  /** One statement in a transaction of its own. All messages are sent together; the first one that fails gives the error. */
  const alone = async (
    client: pg.PoolClient,
    begin: string,
    [statement, values]: Parameters<Queryable["query"]>,
    answerMs?: number,
  ): Promise<pg.QueryResult["rows"]> => {
    // pg destroys a pipelined connection that does not answer in time; its types do not know the setting.
    const limit = answerMs === undefined ? {} : { query_timeout: answerMs };
    const [, { rows }] = await Promise.all([
      client.query(begin),
      client.query({ ...toAsk(statement, values), ...limit }),
      client.query("COMMIT"),
    ]);
    outage.worked();
    return rows;
  };

  return {
    transaction,
    reader: (scope, { answerMs } = {}) => ({
      query: (...statement) =>
        onConnection({ connect, noteFailure }, (client) =>
          alone(client, `BEGIN READ ONLY; ${scopeStatement(scope)}`, statement, answerMs).catch(
            (error: unknown) => {
              // This transaction is read-only because we began it so: a write in it is our fault and not the database's state.
              throw isReadOnly(error)
                ? new Error(`A reader writes nothing: ${(error as Error).message}`, { cause: error })
                : error;
            },
          ),
        ),
    }),
    writer: (scope) => ({
      query: async (...statement) => {
        const rows = await onConnection({ connect, noteFailure }, (client) =>
          committing(client, () => alone(client, `BEGIN; ${scopeStatement(scope)}`, statement)),
        );
        refusals.worked();
        return rows;
      },
    }),
    queryUnscoped: (...statement) =>
      onConnection({ connect, noteFailure }, async (client) => {
        const { rows } = await client.query(toAsk(...statement));
        outage.worked();
        return rows;
      }),
    connect,
    connectApart,
    noteFailure,
    refusal: refusals.reason,
    pool,
    sessionPool,
    async close() {
      closing = true;
      await Promise.all([...new Set([pool, sessionPool])].map((each) => each.end()));
      endWatch();
    },
  };
}

/** The statement that sets the scope of a transaction that has just begun. */
export function scopeStatement(scope: DataScope): string {
  switch (scope.kind) {
    case "system":
      return "SET LOCAL fusion.scope = 'system'";
    case "fintech":
      return setTenants([
        { ifiId: scope.ifiId, environment: "sandbox", fintechId: scope.fintechId },
        { ifiId: scope.ifiId, environment: "live", fintechId: scope.fintechId },
      ]);
    case "tenants":
      return setTenants(scope.tenants);
    default:
      return scope satisfies never;
  }
}

function setTenants(tenants: readonly Tenant[]): string {
  const keys = new Set(tenants.map((tenant) => `${tenant.ifiId}/${tenant.environment}/${tenant.fintechId}`));
  const fintechs = new Set(tenants.map((tenant) => `${tenant.ifiId}/${tenant.fintechId}`));
  return (
    `SET LOCAL fusion.tenants = ${pg.escapeLiteral([...keys].join(","))}; ` +
    `SET LOCAL fusion.fintechs = ${pg.escapeLiteral([...fintechs].join(","))}`
  );
}
