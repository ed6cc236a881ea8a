/** The text that identifies the statement with which a node reads tokens into its memory. */
export const fillStatement = "FROM read_tokens(";
