-- Events of what happens to a fintech's money and instruments, and their delivery to its webhooks (docs/decisions/0011).
--
-- event_outbox is written in the transaction of the change; the publisher (webhooks/publisher.ts) turns its rows into events and
-- deliveries, and delivers outside any transaction.

-- Where an application wants to be told. It hears of everything in its tenant, whichever application did it, as its tokens could read.
CREATE TABLE webhook_endpoint (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  endpoint_id text NOT NULL UNIQUE,
  url text NOT NULL CHECK (char_length(url) <= 500),
  -- Names of events.
  events text[] NOT NULL CHECK (cardinality(events) >= 1),
  -- Sealed with a key outside the database. During a rotation's overlap the one before signs too.
  secret bytea NOT NULL,
  previous_secret bytea,
  previous_secret_until timestamptz,
  created_at timestamptz NOT NULL,
  created_by_name text NOT NULL,
  -- The first failure since the last success.
  failing_since timestamptz,
  disabled_at timestamptz,
  disabled_because text CHECK (disabled_because IN ('person', 'failing')),
  deleted_at timestamptz,
  PRIMARY KEY (ifi_id, environment, fintech_id, endpoint_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id) REFERENCES application,
  CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL)),
  CHECK ((disabled_at IS NULL) = (disabled_because IS NULL))
);
-- Led by the tenant, as is the last: whichever the planner takes for the question of every batch of transfers, it reads a tenant's rows.
CREATE UNIQUE INDEX webhook_endpoint_url ON webhook_endpoint (ifi_id, environment, fintech_id, application_id, url)
  WHERE deleted_at IS NULL;
CREATE INDEX webhook_endpoint_active ON webhook_endpoint (ifi_id, environment, fintech_id)
  WHERE disabled_at IS NULL AND deleted_at IS NULL;
GRANT SELECT, INSERT ON webhook_endpoint TO fusion_runtime;
GRANT UPDATE (secret, previous_secret, previous_secret_until, failing_since, disabled_at, disabled_because, deleted_at)
  ON webhook_endpoint TO fusion_runtime;
CALL isolate_by_tenant('webhook_endpoint');

-- Written, read once and deleted. No foreign keys: they would cost the transfers more than the row itself.
CREATE TABLE event_outbox (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  outbox_id bigint GENERATED ALWAYS AS IDENTITY,
  name text NOT NULL,
  -- Of TRANSFER_CREATED: all transfers that one statement made for the tenant. The publisher reads the rest.
  transfer_numbers bigint[],
  -- Of the others: { uri, state, data }.
  content jsonb,
  occurred_at timestamptz NOT NULL,
  PRIMARY KEY (outbox_id, ifi_id, environment, fintech_id),
  CHECK ((transfer_numbers IS NULL) <> (content IS NULL))
-- As a queue it is nearly empty and much changed; its dead rows must not wait for a share of the table.
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
GRANT SELECT, INSERT, DELETE ON event_outbox TO fusion_runtime;
-- For FOR UPDATE alone, with which a publisher claims.
GRANT UPDATE (name) ON event_outbox TO fusion_runtime;
CALL isolate_by_tenant('event_outbox');

-- One row for each tenant of the statement, and none for a tenant that nobody listens to. Runs as the owner, since the program's own
-- policy may show a batch less than this needs.
CREATE FUNCTION record_transfer_events() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  INSERT INTO event_outbox (ifi_id, environment, fintech_id, name, transfer_numbers, occurred_at)
  SELECT made.ifi_id, made.environment, made.fintech_id, 'TRANSFER_CREATED', made.numbers, made.at
  FROM (
    SELECT f.ifi_id, f.environment, f.fintech_id, array_agg(f.transfer_number) AS numbers, min(f.posted_at) AS at
    FROM fresh f GROUP BY f.ifi_id, f.environment, f.fintech_id) made
  WHERE EXISTS (
    SELECT FROM webhook_endpoint e
    WHERE e.ifi_id = made.ifi_id AND e.environment = made.environment AND e.fintech_id = made.fintech_id
      AND e.disabled_at IS NULL AND e.deleted_at IS NULL AND 'TRANSFER_CREATED' = ANY (e.events) OFFSET 0);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION record_transfer_events FROM PUBLIC;
CREATE TRIGGER transfers_are_told AFTER INSERT ON transfer REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION record_transfer_events();
-- Row-level security binds an owner that is no superuser too.
CREATE POLICY event_engine ON webhook_endpoint FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY event_engine ON event_outbox FOR INSERT TO CURRENT_USER WITH CHECK (true);

-- An event as it is sent: the same bytes at every attempt, to every endpoint.
CREATE TABLE webhook_event (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  event_id text NOT NULL,
  name text NOT NULL,
  body text NOT NULL CHECK (octet_length(body) <= 8192),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, ifi_id, environment, fintech_id),
  FOREIGN KEY (ifi_id, fintech_id) REFERENCES fintech
);
CREATE INDEX webhook_event_by_age ON webhook_event (created_at);
GRANT SELECT, INSERT, DELETE ON webhook_event TO fusion_runtime;
CALL isolate_by_tenant('webhook_event');

-- One event on its way to one endpoint.
CREATE TABLE webhook_delivery (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  endpoint_id text NOT NULL,
  event_id text NOT NULL,
  created_at timestamptz NOT NULL,
  -- From when on it may be tried (again); while it is being tried, when that claim runs out; null when nothing more is to be done.
  next_at timestamptz,
  delivered_at timestamptz,
  -- Failures since it was made or asked for again.
  failures int NOT NULL DEFAULT 0,
  -- The latest tries, oldest first: { at, durationMs, status, error, response }.
  attempts jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY (event_id, endpoint_id, ifi_id, environment, fintech_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, endpoint_id) REFERENCES webhook_endpoint,
  FOREIGN KEY (event_id, ifi_id, environment, fintech_id) REFERENCES webhook_event (event_id, ifi_id, environment, fintech_id),
  CHECK (delivered_at IS NULL OR next_at IS NULL)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_delivery_by_endpoint ON webhook_delivery (endpoint_id, created_at DESC, event_id DESC);
GRANT SELECT, INSERT, DELETE, UPDATE (next_at, delivered_at, failures, attempts) ON webhook_delivery TO fusion_runtime;
CALL isolate_by_tenant('webhook_delivery');
