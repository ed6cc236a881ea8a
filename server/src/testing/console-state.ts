import type pg from "pg";

// The state of logins and sessions, which changes while requests are sent.
const stateTables = [
  "login_walk",
  "one_time_code",
  "known_device",
  "user_session",
  "password_reset",
  "identity",
];
const counterTables = ["login_failure", "code_sending"];

/** Saves the state of logins, sessions and passwords. */
export async function keepConsoleState(owner: pg.Pool): Promise<void> {
  for (const table of stateTables) await owner.query(`CREATE TABLE kept_${table} AS TABLE ${table}`);
  await owner.query(
    "CREATE TABLE kept_password AS SELECT user_id, password_hash, password_set_at FROM console_user",
  );
}

/** Restores the saved state, and resets the counters of failures. */
export async function restoreConsoleState(owner: pg.Pool): Promise<void> {
  await owner.query(
    [
      ...counterTables.map((table) => `DELETE FROM ${table}`),
      ...stateTables.flatMap((table) => [
        `DELETE FROM ${table}`,
        `INSERT INTO ${table} SELECT * FROM kept_${table}`,
      ]),
      // Restores what was arranged, and removes what was added since.
      `UPDATE webhook_endpoint SET disabled_at = NULL, disabled_because = NULL,
         deleted_at = CASE WHEN url LIKE '%/arranged' THEN NULL ELSE now() END`,
      "UPDATE console_user SET disabled_at = NULL WHERE disabled_at IS NOT NULL",
      `UPDATE console_user u SET password_hash = k.password_hash, password_set_at = k.password_set_at
       FROM kept_password k WHERE k.user_id = u.user_id AND k.password_hash IS DISTINCT FROM u.password_hash`,
    ].join("; "),
  );
}
