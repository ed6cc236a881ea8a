import type { Database, DataScope, Queryable, Transaction } from "../platform/database/database.ts";
import { prepared } from "../platform/database/prepared.ts";
import { dataScopeOf } from "./data-scope.ts";
import { SessionRequired } from "./errors.ts";
import type { Principal } from "./principal.ts";

/**
 * {@link Database.transaction} for a change that `actor` asks for. A person's change commits only while their session, access, role and
 * fintech are still those that were proven. That was when the headers of the request arrived; its body may have come half a minute later,
 * and a lock may have taken its time. For every change that a person can ask for. Throws as {@link requireSession}.
 *
 * The check runs first, so that no statement of the work is answered without it, and again as the last statement, which locks both rows
 * until the commit. If they were locked from the start, a change that waits (at a gate for up to 12 s) would keep its person from logging
 * out, and others from ending their access.
 */
export async function transactionOf<Result>(
  deps: { readonly db: Pick<Database, "transaction">; readonly scope?: DataScope },
  actor: Principal,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  const { db, scope = dataScopeOf(actor) } = deps;
  return db.transaction(scope, async (tx) => {
    // Sent together with the work's first statement, so it costs no round trip.
    const asked = requireSession(tx, actor);
    asked.catch(() => undefined);
    const query: Queryable["query"] = async <Row extends object>(
      ...asking: Parameters<Queryable["query"]>
    ): Promise<Row[]> => {
      const answer = tx.query<Row>(...asking);
      answer.catch(() => undefined);
      await asked;
      return answer;
    };
    const result = await work({ ...tx, query });
    await asked;
    await requireSession(tx, actor, "SHARE");
    return result;
  });
}

/**
 * Passes when a person's session, access, role and fintech are still those of the principal, and for every other kind of principal; throws
 * `session_required` otherwise. For mere reading, this check without a lock is enough.
 *
 * With a lock, neither session nor access can end before the transaction does. `SHARE` is for its last statement. `NO KEY UPDATE` is for
 * the first statement of a transaction that ends a session itself, since two that shared the rows would wait for each other. The person's
 * row is locked first, as in every transaction that ends either.
 */
export async function requireSession(
  tx: Transaction,
  actor: Principal,
  lock?: "SHARE" | "NO KEY UPDATE",
): Promise<void> {
  if (actor.kind !== "user") return;
  const { sessionId, userId, role, fintech } = actor;
  const found = await tx.query(
    prepared(`SELECT FROM console_user u JOIN user_session s ON s.user_id = u.user_id
     WHERE s.session_id = $1 AND u.user_id = $2 AND s.ended_at IS NULL AND u.disabled_at IS NULL
       AND u.role = $3 AND u.ifi_id IS NOT DISTINCT FROM $4 AND u.fintech_id IS NOT DISTINCT FROM $5
     ${lock ? `FOR ${lock} OF u, s` : ""}`),
    [sessionId, userId, role, fintech?.ifiId ?? null, fintech?.fintechId ?? null],
  );
  if (found.length === 0) throw new SessionRequired();
}
