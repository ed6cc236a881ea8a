/** A statement that a connection parses and plans once, whatever values it comes with later. Made by {@link prepared}. */
export interface PreparedStatement {
  readonly name: string;
  readonly text: string;
}

/** What is asked, for whoever looks at it. */
export function textOf(statement: string | PreparedStatement): string {
  return typeof statement === "string" ? statement : statement.text;
}

const known = new Map<string, PreparedStatement>();

/**
 * Has a statement prepared on each connection that asks it, which saves most of what a short one costs: PostgreSQL parses and plans longer
 * than it looks up a row. For what is asked often and by keys, in a few fixed texts, so that one plan is right for all values. Its
 * columns are named one by one: when a migration adds one to a table, `*` would mean something else than what was prepared, which is an error.
 */
export function prepared(text: string): PreparedStatement {
  let statement = known.get(text);
  if (!statement) {
    statement = { name: `fusion_${known.size + 1}`, text };
    known.set(text, statement);
  }
  return statement;
}
