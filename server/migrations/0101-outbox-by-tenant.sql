-- Widening: older releases take the oldest rows of all tenants as before, sorted.
--
-- Events are written out no faster than they are delivered (webhooks/event-store.ts), so rows of one tenant may wait while others go on: each
-- tenant's are found by themselves.
ALTER TABLE event_outbox DROP CONSTRAINT event_outbox_pkey, ADD PRIMARY KEY (ifi_id, environment, fintech_id, outbox_id);
