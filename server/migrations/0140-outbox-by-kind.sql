-- Widening: older releases take the oldest rows of each tenant as before, sorted.
--
-- What one endpoint has no room for waits (webhooks/event-store.ts), other kinds of event go on: each kind's rows are found by themselves.
ALTER TABLE event_outbox DROP CONSTRAINT event_outbox_pkey, ADD PRIMARY KEY (ifi_id, environment, fintech_id, name, outbox_id);
