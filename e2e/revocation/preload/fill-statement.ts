/** What the statement is known by with which a node reads tokens into its memory. */
export const fillStatement = "FROM read_tokens(";
