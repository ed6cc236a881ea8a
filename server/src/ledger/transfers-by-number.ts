import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { type PostedTransfer, parsePostedTransfer } from "./posted-transfer.ts";

/** Transfers of one tenant by their numbers. */
export interface NumberedTransfers {
  readonly tenant: Tenant;
  readonly numbers: readonly string[];
}

/** For each of `asked` its tenant's transfers with these numbers, in the order given. For the program itself: a number is never shown. */
export async function listTransfersByNumber(
  db: Queryable,
  asked: readonly NumberedTransfers[],
): Promise<PostedTransfer[][]> {
  const flat = asked.flatMap(({ tenant, numbers }, place) =>
    numbers.map((number) => ({ tenant, number, place })),
  );
  const found: PostedTransfer[][] = asked.map(() => []);
  if (flat.length === 0) return found;
  const rows = await db.query<{ place: number; transfer: unknown }>(
    `SELECT asked.place, transfer_json(t) AS transfer
     FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::uuid[], $5::int[]) WITH ORDINALITY
       AS asked (number, ifi, environment, fintech, place, position)
     CROSS JOIN LATERAL (
       SELECT * FROM transfer t WHERE t.transfer_number = asked.number
         AND t.ifi_id = asked.ifi AND t.environment = asked.environment AND t.fintech_id = asked.fintech OFFSET 0) t
     ORDER BY asked.position`,
    [
      flat.map(({ number }) => number),
      flat.map(({ tenant }) => tenant.ifiId),
      flat.map(({ tenant }) => tenant.environment),
      flat.map(({ tenant }) => tenant.fintechId),
      flat.map(({ place }) => place),
    ],
  );
  for (const { place, transfer } of rows) found[place]?.push(parsePostedTransfer(transfer));
  return found;
}
