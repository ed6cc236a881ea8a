-- Services of the platform that may ask what a token is (RFC 7662), with credentials of their own from the operator.

CREATE TABLE resource_server (
  -- Its client id.
  resource_server_id text PRIMARY KEY CHECK (resource_server_id ~ '^rsv_[0-9A-Za-z]{1,40}$'),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
  -- Whose tokens it may ask about; every other one looks unknown to it. Without a fintech: those of all fintechs of the bank.
  ifi_id bigint NOT NULL REFERENCES ifi,
  environment environment NOT NULL,
  fintech_id uuid,
  -- SHA-256: the secret has 238 bits of entropy, which need no salt and no slow hash.
  secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
  -- The secret before the last rotation, and until when it still counts.
  previous_secret_hash bytea CHECK (octet_length(previous_secret_hash) = 32),
  previous_secret_ends_at timestamptz,
  created_at timestamptz NOT NULL,
  rotated_at timestamptz,
  ended_at timestamptz,
  FOREIGN KEY (ifi_id, fintech_id) REFERENCES fintech,
  CHECK ((previous_secret_hash IS NULL) = (previous_secret_ends_at IS NULL))
);
GRANT SELECT, INSERT ON resource_server TO fusion_runtime;
GRANT UPDATE (secret_hash, previous_secret_hash, previous_secret_ends_at, rotated_at, ended_at) ON resource_server TO fusion_runtime;

-- The Fusion team's: neither a fintech's people nor a token ever sees one.
ALTER TABLE resource_server ENABLE ROW LEVEL SECURITY;
ALTER TABLE resource_server FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON resource_server TO fusion_runtime USING ((SELECT sees_everything()));
