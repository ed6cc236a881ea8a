import type { Queryable } from "../../platform/database/database.ts";
import type { UserId } from "../../platform/ids.ts";

/** The names of these people, as far as the transaction's scope shows them. The caller decides who may see them. */
export async function namePeople(
  db: Queryable,
  userIds: readonly UserId[],
): Promise<ReadonlyMap<UserId, string>> {
  if (userIds.length === 0) return new Map();
  const rows = await db.query<{ user_id: UserId; name: string }>(
    "SELECT user_id, name FROM console_user WHERE user_id = ANY ($1)",
    [userIds],
  );
  return new Map(rows.map((row) => [row.user_id, row.name]));
}
