-- Widening: the same answers.
-- Outside a transaction: the table is large, and written to.
--
-- The bank comes last in the index of what a holder has claimed (0223 removes the one in which it comes first).
CREATE INDEX CONCURRENTLY IF NOT EXISTS account_holder_identity_of_holder
  ON account_holder_identity (account_holder_id, environment, ifi_id);
