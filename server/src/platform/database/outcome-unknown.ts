/**
 * A transaction was to commit, and it is unknown whether its writes will last. Either the connection broke before the answer came, or
 * PostgreSQL stopped waiting for its standby and committed on the primary alone, which a failover may undo. The caller must ask again; that
 * answer must come after {@link confirmEarlierCommits}, unless it writes something itself.
 */
export class OutcomeUnknown extends Error {}
