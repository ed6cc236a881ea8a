-- Widening: the same answers.
-- Outside a transaction: these tables are large, and written to.
--
-- What the Fusion team did to a fintech or looked at there, among all that its own people did.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_entry_of_operators ON audit_entry (ifi_id, fintech_id, at DESC, audit_id DESC)
  WHERE actor_kind IN ('operator', 'cli');
-- Whose application that is. Numbers come from one sequence.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS holder_application_by_number ON holder_application (application_number);
-- What a person is reminded of: their calendar, and the end of their mail.
CREATE INDEX CONCURRENTLY IF NOT EXISTS token_subscription_by_person ON token_subscription (user_id) WHERE ended_at IS NULL;
