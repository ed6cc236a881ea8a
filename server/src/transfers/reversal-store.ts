import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Original } from "./reversal.ts";

// SQL on reversals. Private to the room. The database's own trigger still bounds what moves.

/** The transfer that one of this content would undo; undefined when there is none. */
export async function findOriginal(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  reversal: {
    readonly debitAccountId: string;
    readonly creditAccountId: string;
    readonly amountMinor: bigint;
    readonly currency: string;
    readonly transferCode: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  },
): Promise<Original | undefined> {
  const [row] = await db.query<{ original_request_id: string; moved: string; reversed: string }>(
    "SELECT * FROM reversal_original($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    [
      ifiId,
      environment,
      fintechId,
      reversal.debitAccountId,
      reversal.creditAccountId,
      reversal.transferCode,
      reversal.currency,
      reversal.amountMinor.toString(),
      JSON.stringify(reversal.attributes),
    ],
  );
  return (
    row && {
      requestId: row.original_request_id,
      movedMinor: BigInt(row.moved),
      reversedMinor: BigInt(row.reversed),
    }
  );
}
