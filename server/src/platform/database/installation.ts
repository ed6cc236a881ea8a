import type { Clock } from "../clock.ts";
import type { Keys } from "../keys.ts";
import { type Database, systemScope } from "./database.ts";
import { DatabaseUnusable } from "./database-unusable.ts";

const checkText = "These keys belong to this database.";
const checkContext = "installation";

/**
 * Binds the database to the mode and the keys of its first use, and refuses any others afterwards. Development's demonstration data and
 * open inbox have no place in production's database, nor the reverse. With other keys every code and encrypted number in it would be
 * useless, which is better found at the start than at the first login. Throws {@link DatabaseUnusable}.
 */
export async function claimInstallation(
  { db, clock, keys }: { readonly db: Database; readonly clock: Clock; readonly keys: Keys },
  mode: "development" | "production",
): Promise<void> {
  const row = await db.transaction(systemScope, async (tx) => {
    await tx.query(
      `INSERT INTO installation (fusion_env, key_check, initialised_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
      [mode, keys.seal("key-check", checkText, checkContext), clock.now()],
    );
    // In a statement of its own: another process may have committed the row while the insert waited for it.
    const rows = await tx.query<{ fusion_env: string; key_check: Buffer }>(
      "SELECT fusion_env, key_check FROM installation",
    );
    return rows[0];
  });
  if (!row) throw new Error("The installation row is missing.");
  if (row.fusion_env !== mode) {
    throw new DatabaseUnusable(
      row.fusion_env === "production"
        ? "This database was initialised by production, and development does not touch it. Set FUSION_ENV=production, or use another database."
        : "This database was initialised by development and holds its demonstration data. Give production a database of its own.",
    );
  }
  if (!opens(keys, row.key_check)) {
    throw new DatabaseUnusable(
      "The root key is not the one that this database was initialised with. Restore it (FUSION_ROOT_KEY, or DATA_DIR/keys/root.key in development).",
    );
  }
}

function opens(keys: Keys, sealed: Buffer): boolean {
  try {
    return keys.open("key-check", sealed, checkContext) === checkText;
  } catch {
    return false;
  }
}
