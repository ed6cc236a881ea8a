import type { OverlapFrom, PlannedOverlap } from "@fusion/contract/tokens.ts";
import type { Queryable } from "../../platform/database/database.ts";
import { assert } from "../../platform/errors.ts";
import type { ApplicationId, FintechKey, Tenant, TokenId, UserId } from "../../platform/ids.ts";

// SQL on planned revocations (migration 0160), private to the room. What pages show of them is read with their tokens, in `token-store.ts`.

/** Returns when it is due; null while that depends on the first use of the replacement. */
export async function insertPlannedRevocation(
  tx: Queryable,
  plan: {
    readonly token: TokenId;
    readonly replacement: {
      readonly tokenId: TokenId;
      readonly applicationId: ApplicationId;
      readonly tenant: Tenant;
      readonly createdAt: Date;
      readonly createdBy: UserId;
    };
    readonly overlap: PlannedOverlap;
    readonly overlapFrom: OverlapFrom;
  },
): Promise<Date | null> {
  const { tokenId, applicationId, tenant, createdAt, createdBy } = plan.replacement;
  await tx.query(
    `INSERT INTO planned_revocation (ifi_id, environment, fintech_id, application_id, token_id, replacement_id, overlap, counted_from,
       planned_at, planned_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      tenant.ifiId,
      tenant.environment,
      tenant.fintechId,
      applicationId,
      plan.token,
      tokenId,
      plan.overlap,
      plan.overlapFrom,
      createdAt,
      createdBy,
    ],
  );
  const [row] = await tx.query<{ due_at: Date | null }>(
    "SELECT due_at FROM pending_revocation WHERE token_id = $1 AND replacement_id = $2",
    [plan.token, tokenId],
  );
  assert(row, "what was just planned is pending");
  return row.due_at;
}

/** A person who planned revocations, and in which fintech. */
export interface Planner {
  readonly fintech: FintechKey;
  readonly userId: UserId;
  readonly name: string;
}

/** The people whose planned revocations are due, or were carried out while it is not certain that every node knows. */
export async function listPlannersToServe(tx: Queryable): Promise<Planner[]> {
  const rows = await tx.query<{
    ifi_id: FintechKey["ifiId"];
    fintech_id: FintechKey["fintechId"];
    user_id: UserId;
    name: string;
  }>(
    `SELECT ifi_id, fintech_id, planned_by AS user_id, planned_by_name AS name FROM pending_revocation
     WHERE obsolete IS NULL AND due_at <= database_now()
     UNION
     SELECT plan.ifi_id, plan.fintech_id, planned_by, planner.name FROM (${unconfirmed}) AS plan
     JOIN console_user AS planner ON planner.user_id = planned_by
     ORDER BY user_id`,
  );
  return rows.map(({ ifi_id: ifiId, fintech_id: fintechId, user_id: userId, name }) => ({
    fintech: { ifiId, fintechId },
    userId,
    name,
  }));
}

const unconfirmed = `
  SELECT plan.ifi_id, plan.fintech_id, plan.token_id, plan.planned_by
  FROM revocation_receipt AS receipt JOIN planned_revocation AS plan ON plan.token_id = receipt.token_id AND plan.outcome = 'revoked'
  WHERE receipt.effective_at IS NULL`;

/**
 * Decides to carry out this person's due revocations. Returns their tokens, and those that an earlier decision revoked while it is not
 * certain that every node knows. The caller holds the fintech's gate, so no replacement can end meanwhile, except by expiring.
 */
export async function decideDueRevocations(tx: Queryable, { fintech, userId }: Planner): Promise<TokenId[]> {
  const due = await tx.query<{ token_id: TokenId }>(
    `UPDATE planned_revocation AS plan SET outcome = 'revoked', decided_at = database_now()
     FROM pending_revocation AS pending
     WHERE plan.outcome IS NULL AND plan.token_id = pending.token_id AND plan.replacement_id = pending.replacement_id
       AND pending.obsolete IS NULL AND pending.due_at <= database_now()
       AND pending.ifi_id = $1 AND pending.fintech_id = $2 AND pending.planned_by = $3
     RETURNING plan.token_id`,
    [fintech.ifiId, fintech.fintechId, userId],
  );
  const open = await tx.query<{ token_id: TokenId }>(
    `SELECT token_id FROM (${unconfirmed}) AS plan WHERE ifi_id = $1 AND fintech_id = $2 AND planned_by = $3`,
    [fintech.ifiId, fintech.fintechId, userId],
  );
  return [...new Set([...due, ...open].map((row) => row.token_id))];
}

/** Closes plans that will not be carried out. Returns the tokens that live on because none of their replacements does. */
export async function closeObsoleteRevocations(
  tx: Queryable,
): Promise<{ readonly tokenId: TokenId; readonly replacement: TokenId; readonly fintech: FintechKey }[]> {
  const rows = await tx.query<{
    ifi_id: FintechKey["ifiId"];
    fintech_id: FintechKey["fintechId"];
    token_id: TokenId;
    replacement_id: TokenId;
    outcome: string;
  }>(
    `UPDATE planned_revocation AS plan SET outcome = obsolete, decided_at = database_now()
     FROM pending_revocation AS pending
     WHERE plan.outcome IS NULL AND plan.token_id = pending.token_id AND plan.replacement_id = pending.replacement_id
       AND obsolete IS NOT NULL
     RETURNING plan.ifi_id, plan.fintech_id, plan.token_id, plan.replacement_id, plan.outcome`,
  );
  return rows
    .filter((row) => row.outcome === "replacement_ended")
    .map((row) => ({
      tokenId: row.token_id,
      replacement: row.replacement_id,
      fintech: { ifiId: row.ifi_id, fintechId: row.fintech_id },
    }));
}

/**
 * Calls off the token's pending plan; returns whether there was one that would still have been carried out. Waits for a transaction that is
 * carrying it out, and then finds none.
 */
export async function keepToken(tx: Queryable, tokenId: TokenId): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE planned_revocation AS plan SET outcome = 'kept', decided_at = database_now()
     FROM pending_revocation AS pending
     WHERE plan.token_id = $1 AND plan.outcome IS NULL
       AND plan.token_id = pending.token_id AND plan.replacement_id = pending.replacement_id AND pending.obsolete IS NULL
     RETURNING plan.token_id`,
    [tokenId],
  );
  return rows.length > 0;
}
