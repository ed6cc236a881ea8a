-- Widening: the same answers.
-- Outside a transaction: the table is large, and written to.
--
-- What webhooks were told of one token is listed on its page. Events of other kinds are not in it. By the tenant, and not by the token that the body names: what is
-- read of a body may not be asked before row-level security has been, so no index on it would be searched.
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_event_of_tokens ON webhook_event (ifi_id, environment, fintech_id)
  WHERE name = 'TOKEN_EXPIRING';
