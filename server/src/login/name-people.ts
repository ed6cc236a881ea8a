import type { Queryable } from "../platform/database/database.ts";
import type { UserId } from "../platform/ids.ts";

/** What these people are called, as far as the transaction's scope shows them. Who may see that is for the caller. */
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
