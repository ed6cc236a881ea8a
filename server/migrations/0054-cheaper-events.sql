-- Widening: nothing that older releases do depends on these keys.
--
-- An event of a transfer costs the database as little as the transfer's own rows. Looked up one by one, these three took a sixth of the time
-- in which events are published. Events and their deliveries are written by one statement, from endpoints that it has just found under the
-- event's own tenant (webhooks/event-store.ts); fintechs and endpoints are never deleted, and an event goes together with its deliveries.
ALTER TABLE webhook_event DROP CONSTRAINT webhook_event_ifi_id_fintech_id_fkey;
ALTER TABLE webhook_delivery DROP CONSTRAINT webhook_delivery_event_id_ifi_id_environment_fintech_id_fkey;
ALTER TABLE webhook_delivery DROP CONSTRAINT webhook_delivery_ifi_id_environment_fintech_id_endpoint_id_fkey;
