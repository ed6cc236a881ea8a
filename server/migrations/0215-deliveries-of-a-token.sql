-- Widening: the same answers.
-- Outside a transaction: the table is large, and written to.
--
-- What webhooks were told of one token is listed on its page. Events of other kinds are not in it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_event_by_token ON webhook_event ((body::jsonb #>> '{data,tokenID}'))
  WHERE name = 'TOKEN_EXPIRING';
