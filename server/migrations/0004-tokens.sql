-- Tokens: what is stored of them, who is reminded, how they are used. The secret itself is never stored.

CREATE TABLE token (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  token_id text NOT NULL UNIQUE,
  -- SHA-256 of the whole secret. 178 bits of entropy need no salt and no slow hash.
  secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
  -- Prefix and last four characters, for people to recognise it by.
  hint text NOT NULL CHECK (char_length(hint) <= 24),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
  scopes text[] NOT NULL CHECK (cardinality(scopes) >= 1),
  created_at timestamptz NOT NULL,
  created_by text NOT NULL REFERENCES console_user,
  expires_at timestamptz NOT NULL,
  -- The token this one was generated to renew.
  replaces_token_id text,
  revoked_at timestamptz,
  revoked_by_kind text CHECK (revoked_by_kind IN ('user', 'operator', 'token', 'cli', 'system')),
  revoked_by text,
  revoked_by_name text,
  revoke_reason text CHECK (revoke_reason IN ('compromised', 'replaced', 'no_longer_needed', 'person_left')),
  PRIMARY KEY (ifi_id, environment, fintech_id, application_id, token_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id) REFERENCES application,
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id, replaces_token_id) REFERENCES token,
  CHECK (replaces_token_id <> token_id),
  -- At most 365 x 24 h. In hours, since a day of a timestamptz depends on the session's zone.
  CHECK (expires_at > created_at AND expires_at <= created_at + interval '8760 hours'),
  CHECK ((revoked_at IS NULL) = (revoked_by IS NULL) AND (revoked_at IS NULL) = (revoke_reason IS NULL)
    AND (revoked_at IS NULL) = (revoked_by_kind IS NULL) AND (revoked_at IS NULL) = (revoked_by_name IS NULL))
);
CREATE INDEX token_by_application ON token (application_id, created_at DESC, token_id DESC);
CREATE INDEX token_by_expiry ON token (expires_at, token_id) WHERE revoked_at IS NULL;
CREATE INDEX token_by_replaced ON token (replaces_token_id) WHERE replaces_token_id IS NOT NULL;
-- Only what ends a token may change, and no row leaves.
GRANT SELECT, INSERT ON token TO fusion_runtime;
GRANT UPDATE (revoked_at, revoked_by_kind, revoked_by, revoked_by_name, revoke_reason) ON token TO fusion_runtime;
CALL isolate_by_tenant('token');

CREATE FUNCTION refuse_to_unrevoke() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL
    AND (NEW.revoked_at, NEW.revoked_by_kind, NEW.revoked_by, NEW.revoked_by_name, NEW.revoke_reason)
      IS DISTINCT FROM (OLD.revoked_at, OLD.revoked_by_kind, OLD.revoked_by, OLD.revoked_by_name, OLD.revoke_reason)
  THEN
    RAISE EXCEPTION 'A revocation is written once and never changed (token %).', OLD.token_id;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER revocation_is_final BEFORE UPDATE ON token FOR EACH ROW EXECUTE FUNCTION refuse_to_unrevoke();

-- A repeat of a generation whose answer was lost finds its token here.
CREATE TABLE token_request (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  user_id text NOT NULL,
  idempotency_key text NOT NULL CHECK (char_length(idempotency_key) BETWEEN 1 AND 128),
  token_id text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, application_id, user_id, idempotency_key),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id, token_id) REFERENCES token
);
GRANT SELECT, INSERT ON token_request TO fusion_runtime;
CALL isolate_by_tenant('token_request');

-- Who wants to be reminded of a token's end. Ended rows stay, so that the history can be told.
CREATE TABLE token_subscription (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  token_id text NOT NULL,
  user_id text NOT NULL,
  subscribed_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (ifi_id, environment, fintech_id, application_id, token_id, user_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id, token_id) REFERENCES token,
  FOREIGN KEY (ifi_id, fintech_id, user_id) REFERENCES console_user (ifi_id, fintech_id, user_id)
);
CREATE INDEX token_subscription_by_token ON token_subscription (token_id);
GRANT SELECT, INSERT, UPDATE ON token_subscription TO fusion_runtime;
CALL isolate_by_tenant('token_subscription');

-- The latest call, one row a token, written in batches off the request path.
CREATE TABLE token_last_use (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  token_id text NOT NULL,
  first_used_at timestamptz NOT NULL,
  first_ip inet NOT NULL,
  last_used_at timestamptz NOT NULL,
  last_ip inet NOT NULL,
  last_user_agent text NOT NULL CHECK (char_length(last_user_agent) <= 200),
  -- Method and route pattern, such as 'POST /transfers'.
  last_route text NOT NULL CHECK (char_length(last_route) <= 200),
  PRIMARY KEY (ifi_id, environment, fintech_id, application_id, token_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id, token_id) REFERENCES token
);
CREATE INDEX token_last_use_by_token ON token_last_use (token_id);
GRANT SELECT, INSERT, UPDATE ON token_last_use TO fusion_runtime;
CALL isolate_by_tenant('token_last_use');

-- Calls per hour, caller and outcome. Outcome is 'accepted' or the refusal's code.
CREATE TABLE token_call_hour (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  token_id text NOT NULL,
  hour timestamptz NOT NULL,
  ip inet NOT NULL,
  user_agent text NOT NULL CHECK (char_length(user_agent) <= 200),
  outcome text NOT NULL CHECK (char_length(outcome) <= 60),
  calls bigint NOT NULL CHECK (calls > 0),
  last_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, application_id, token_id, hour, ip, user_agent, outcome),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id, token_id) REFERENCES token
);
CREATE INDEX token_call_hour_by_token ON token_call_hour (token_id, hour DESC);
GRANT SELECT, INSERT, UPDATE ON token_call_hour TO fusion_runtime;
CALL isolate_by_tenant('token_call_hour');

-- The database's time, which alone decides whether a token is valid. A function, so that a test can move it (as the owner) for
-- everything that asks. Not now(): a transaction that waited for a lock must see the time after the wait.
CREATE FUNCTION database_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE RETURN clock_timestamp();

-- Why a token would be refused at this moment, or null. The order is fixed: revoked, expired, application, fintech.
CREATE FUNCTION token_refusal(
  revoked_at timestamptz, expires_at timestamptz, application_suspended_at timestamptz, fintech_suspended_at timestamptz
) RETURNS text LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN CASE
  WHEN revoked_at IS NOT NULL THEN 'token_revoked'
  WHEN database_now() >= expires_at THEN 'token_expired'
  WHEN application_suspended_at IS NOT NULL THEN 'application_suspended'
  WHEN fintech_suspended_at IS NOT NULL THEN 'fintech_suspended'
END;

-- Takes the gates of these tokens' fintechs shared, in the order of their keys, until the transaction ends, and then says for each
-- token, in the order given, why it must be refused (null: it may write). The arrays run in parallel.
--
-- PL/pgSQL, because under READ COMMITTED each statement of a volatile function has a snapshot of its own: the last one is taken after
-- the locks, so it sees a revoke that these locks waited for. In one plain statement the snapshot would be older than the locks.
--
-- The time limits are for the rest of the transaction, so that a paused or stuck writer cannot hold up a revoke: it loses its
-- connection, and with it the gate, within 8 s (before PostgreSQL 17, which has no limit for a whole transaction, within 1 s of
-- pausing and 5 s of any one statement).
CREATE FUNCTION authorize_writes(
  ifis bigint[], environments text[], fintechs uuid[], applications text[], tokens text[]
) RETURNS TABLE (refusal text) LANGUAGE plpgsql VOLATILE
-- The arrays are short; planning them anew costs more than running the plan (measured: 1.4-1.9 ms against 0.4 ms).
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  gate bigint;
BEGIN
  PERFORM set_config('idle_in_transaction_session_timeout', '1s', true),
    set_config('lock_timeout', '2s', true);
  IF current_setting('server_version_num')::int >= 170000 THEN
    PERFORM set_config('transaction_timeout', '8s', true);
  ELSE
    PERFORM set_config('statement_timeout', '5s', true);
  END IF;
  FOR gate IN SELECT DISTINCT gate_key(i, f) AS key FROM unnest(ifis, fintechs) AS t (i, f) ORDER BY key LOOP
    PERFORM pg_advisory_xact_lock_shared(gate);
  END LOOP;
  RETURN QUERY
    SELECT CASE WHEN token.token_id IS NULL THEN 'token_unknown'
      ELSE token_refusal(token.revoked_at, token.expires_at, application.suspended_at, fintech.suspended_at) END
    FROM unnest(ifis, environments, fintechs, applications, tokens) WITH ORDINALITY AS asked (i, e, f, a, t, position)
    LEFT JOIN (token JOIN application USING (ifi_id, environment, fintech_id, application_id) JOIN fintech USING (ifi_id, fintech_id))
      ON token.ifi_id = asked.i AND token.environment = asked.e AND token.fintech_id = asked.f
      AND token.application_id = asked.a AND token.token_id = asked.t
    ORDER BY asked.position;
END $$;

-- The token that held the renewal of this one at that instant, or null when none did: the latest of its replacements, and of theirs, that
-- had been made and was neither revoked nor expired. Followed down the line, since a replacement that was itself renewed is usually
-- revoked next; one whose replacements have all ended counts as not renewed.
CREATE FUNCTION live_replacement(renewed text, at timestamptz) RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH RECURSIVE descendant AS (
    SELECT token_id, created_at, revoked_at, expires_at FROM token WHERE replaces_token_id = renewed
    UNION ALL
    SELECT token.token_id, token.created_at, token.revoked_at, token.expires_at
    FROM token JOIN descendant ON token.replaces_token_id = descendant.token_id
  )
  SELECT token_id FROM descendant
  WHERE created_at <= at AND (revoked_at IS NULL OR revoked_at > at) AND expires_at > at
  ORDER BY created_at DESC, token_id DESC LIMIT 1;
END;
