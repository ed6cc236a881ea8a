import type { TokensShown } from "@fusion/contract/tokens.ts";
import { type Administrator, isOperator } from "../../access/roles.ts";
import type { Queryable } from "../../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import type { TokenRecord } from "../token-record.ts";
import { hintsEndingWith } from "../token-secret.ts";
import { selectToken, type TokenRow, toRecord } from "../token-store.ts";
import { hasText, statusConditions } from "./token-list-store.ts";

// SQL that lists and counts tokens of several applications, private to the room.

/** The applications whose tokens are meant; null: all of them. */
export type OfApplications = readonly ApplicationId[] | null;

/** The applications that the actor may see; an operator sees all. */
export function ofApplications(
  actor: Administrator,
  seen: readonly { readonly applicationId: ApplicationId }[],
): OfApplications {
  return isOperator(actor) ? null : seen.map(({ applicationId }) => applicationId);
}

/**
 * What can be listed: what people ask for, and the tokens that expired in the last days, were in use until then, and have no replacement.
 */
type Shown = TokensShown | "lately_expired";

// Few tokens were renewed, so few chains of replacements have to be followed.
const unreplaced = (at: string): string =>
  `(NOT EXISTS (SELECT FROM token AS next WHERE next.replaces_token_id = token.token_id)
      OR live_replacement(token.token_id, ${at}) IS NULL)`;

/** Conditions on `token`, at the instant of the parameter. */
const shown: Record<Shown, (at: string) => string> = {
  all: () => "true",
  expiring: (at) => `${statusConditions(at).expiring} AND ${unreplaced(at)}`,
  lately_expired: (at) =>
    `${statusConditions(at).expired} AND token.expires_at > ${at} - interval '${7 * 24} hours' AND ${unreplaced(at)}
      AND EXISTS (SELECT FROM token_last_use AS used WHERE used.token_id = token.token_id
        AND used.last_used_at >= token.expires_at - interval '${7 * 24} hours')`,
  unused: (at) =>
    `${statusConditions(at).active} AND token.created_at < ${at} - interval '${90 * 24} hours'
      AND NOT EXISTS (SELECT FROM token_last_use AS used WHERE used.token_id = token.token_id
        AND used.last_used_at >= ${at} - interval '${90 * 24} hours')`,
};

/** Collects what fills the parameters of a statement. */
function parameters(): { readonly values: unknown[]; value(of: unknown, type?: string): string } {
  const values: unknown[] = [];
  return { values, value: (of, type) => `$${values.push(of)}${type === undefined ? "" : `::${type}`}` };
}

/**
 * One page of the tokens of these applications, after the token `after`. All tokens and expired ones come latest first, the others by their
 * end. A search over all applications is for a whole id or the last four characters only, which have an index: searching all names would
 * read every token.
 */
export async function listTokenRowsAcross(
  tx: Queryable,
  asked: {
    readonly of: OfApplications;
    readonly show: Shown;
    readonly find: string;
    readonly now: Date;
    readonly after: TokenId | null;
    readonly limit: number;
  },
): Promise<TokenRecord[]> {
  const { show, find, after } = asked;
  const { values, value } = parameters();
  const of = asked.of === null ? "true" : `token.application_id = ANY (${value(asked.of)})`;
  const conditions = [of];
  if (show !== "all") conditions.push(shown[show](value(asked.now, "timestamptz")));
  if (find !== "" && asked.of !== null) conditions.push(hasText(value(find)));
  if (find !== "" && asked.of === null)
    conditions.push(
      `(token.token_id = ${value(find)} OR token.hint = ANY (${value(hintsEndingWith(find))}))`,
    );
  const column = show === "all" ? "created_at" : "expires_at";
  const [order, beyond] = show === "all" || show === "lately_expired" ? ["DESC", "<"] : ["ASC", ">"];
  if (after !== null)
    conditions.push(`(token.${column}, token.token_id) ${beyond}
      (SELECT token.${column}, token.token_id FROM token WHERE token_id = ${value(after)} AND ${of})`);
  // First selects the ids, then reads the details of just those.
  const rows = await tx.query<TokenRow>(
    `${selectToken}
     WHERE token.token_id IN (SELECT token.token_id FROM token WHERE ${conditions.join(" AND ")}
       ORDER BY token.${column} ${order}, token.token_id ${order} LIMIT ${value(asked.limit)})
     ORDER BY token.${column} ${order}, token.token_id ${order}`,
    values,
  );
  return rows.map(toRecord);
}

/** How many tokens {@link listTokenRowsAcross} lists under `show`. */
export async function countTokensAcross(
  tx: Queryable,
  asked: { readonly of: OfApplications; readonly show: Shown; readonly now: Date },
): Promise<number> {
  const { values, value } = parameters();
  const of = asked.of === null ? "true" : `application_id = ANY (${value(asked.of)})`;
  const [row] = await tx.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM token
     WHERE ${of} AND ${shown[asked.show](value(asked.now, "timestamptz"))}`,
    values,
  );
  return row?.count ?? 0;
}
