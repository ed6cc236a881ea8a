/** A statement that a connection parses and plans once, whatever its later values. Made by {@link prepared}. */
export interface PreparedStatement {
  readonly name: string;
  readonly text: string;
}

/** The text of a statement, for callers that inspect it. */
export function textOf(statement: string | PreparedStatement): string {
  return typeof statement === "string" ? statement : statement.text;
}

const known = new Map<string, PreparedStatement>();

/**
 * Has a statement prepared on each connection that runs it. That saves most of the cost of a short one: PostgreSQL takes longer to parse
 * and plan it than to look up a row. For frequent statements that look up keys, in a few fixed texts, so that one plan suits all values.
 * Name each column: after a migration adds one to a table, `*` would differ from what was prepared, which is an error.
 */
export function prepared(text: string): PreparedStatement {
  let statement = known.get(text);
  if (!statement) {
    statement = { name: `fusion_${known.size + 1}`, text };
    known.set(text, statement);
  }
  return statement;
}
