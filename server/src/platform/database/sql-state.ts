/** The conditions that this program tells apart, by PostgreSQL's names for them (its documentation, appendix A), with their SQLSTATE. */
const sqlStates = {
  read_only_sql_transaction: "25006",
  idle_in_transaction_session_timeout: "25P03",
  transaction_timeout: "25P04",
  feature_not_supported: "0A000",
  unique_violation: "23505",
  check_violation: "23514",
  invalid_sql_statement_name: "26000",
  invalid_authorization_specification: "28000",
  invalid_catalog_name: "3D000",
  serialization_failure: "40001",
  deadlock_detected: "40P01",
  insufficient_privilege: "42501",
  undefined_column: "42703",
  undefined_table: "42P01",
  disk_full: "53100",
  out_of_memory: "53200",
  lock_not_available: "55P03",
  query_canceled: "57014",
  cannot_connect_now: "57P03",
} as const;
export type Condition = keyof typeof sqlStates;

const conditions = new Map<unknown, Condition>(
  Object.entries(sqlStates).map(([condition, state]) => [state, condition as Condition]),
);

/** What PostgreSQL calls this error; undefined for other errors, also those of PostgreSQL that nothing here tells apart. */
export function conditionOf(error: unknown): Condition | undefined {
  return conditions.get((error as { code?: unknown } | null | undefined)?.code);
}

/** Whether the error is one of these conditions. */
export function isCondition(error: unknown, ...named: readonly Condition[]): boolean {
  const condition = conditionOf(error);
  return condition !== undefined && named.includes(condition);
}
