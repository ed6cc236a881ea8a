/**
 * A transaction was to commit, and nobody can say whether what it wrote will be there: the connection broke before the answer came, or
 * PostgreSQL stopped waiting for its standby and has committed on the primary alone, which a failover may undo. Whoever asked must ask
 * again; the answer then must come after {@link confirmEarlierCommits}, unless it writes something itself.
 */
export class OutcomeUnknown extends Error {}
