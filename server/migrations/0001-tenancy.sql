-- Roles, the tenancy key and its row-level security, banks, fintechs, applications, the audit trail.

-- The runtime role owns nothing: it can neither switch row-level security off nor change a table. It is one role per
-- server, so another database of the same server may have made it already.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fusion_runtime') THEN
    CREATE ROLE fusion_runtime NOLOGIN NOSUPERUSER NOBYPASSRLS;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL; -- Made by a migration that ran at the same moment.
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO fusion_runtime;

CREATE DOMAIN environment AS text CHECK (VALUE IN ('sandbox', 'live'));

-- A transaction says which tenants it works for (platform/database/database.ts); unset shows nothing.
CREATE FUNCTION sees_everything() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(current_setting('fusion.scope', true), '') = 'system';

CREATE FUNCTION visible_tenants() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN string_to_array(coalesce(current_setting('fusion.tenants', true), ''), ',');

CREATE FUNCTION visible_fintechs() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN string_to_array(coalesce(current_setting('fusion.fintechs', true), ''), ',');

-- Isolates a table by (ifi_id, environment, fintech_id). The scalar subqueries are evaluated once a statement, not once a row.
CREATE PROCEDURE isolate_by_tenant(target regclass) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format($policy$
    CREATE POLICY tenant ON %s TO fusion_runtime USING (
      (SELECT sees_everything())
      OR ifi_id || '/' || environment || '/' || fintech_id = ANY ((SELECT visible_tenants())::text[]))
  $policy$, target);
END $$;

-- Isolates a table by (ifi_id, fintech_id): what a fintech has once, over both environments.
CREATE PROCEDURE isolate_by_fintech(target regclass) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format($policy$
    CREATE POLICY fintech ON %s TO fusion_runtime USING (
      (SELECT sees_everything())
      OR ifi_id || '/' || fintech_id = ANY ((SELECT visible_fintechs())::text[]))
  $policy$, target);
END $$;

-- The gate (docs/architecture.md): every transaction that writes on a token's authority holds it shared, every transaction that
-- narrows what a token may do holds it exclusively. Advisory locks queue fairly; row share locks do not.
CREATE FUNCTION gate_key(ifi bigint, fintech uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended('gate/' || ifi || '/' || fintech, 0);

-- One row: which mode initialised this database, and a value that only its keys can open (so that wrong keys are noticed at
-- once, not at the first login).
CREATE TABLE installation (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  fusion_env text NOT NULL CHECK (fusion_env IN ('development', 'production')),
  key_check bytea NOT NULL,
  initialised_at timestamptz NOT NULL
);
GRANT SELECT, INSERT ON installation TO fusion_runtime;

CREATE TABLE ifi (
  ifi_id bigint PRIMARY KEY CHECK (ifi_id > 0),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
  created_at timestamptz NOT NULL
);
GRANT SELECT, INSERT ON ifi TO fusion_runtime;

CREATE TABLE fintech (
  ifi_id bigint NOT NULL REFERENCES ifi,
  fintech_id uuid NOT NULL UNIQUE,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
  -- Identifies the fintech to the token service; constant for a fintech.
  client_id text NOT NULL UNIQUE CHECK (client_id ~ '^[a-z0-9][a-z0-9-]{2,63}$'),
  time_zone text NOT NULL DEFAULT 'Asia/Kolkata',
  -- Local wall time at which reminders go out.
  reminder_time time NOT NULL DEFAULT '09:00',
  -- Several tokens per application may be live at once, up to this many; a renewal may exceed it by one.
  tokens_per_application_max int NOT NULL DEFAULT 10 CHECK (tokens_per_application_max BETWEEN 1 AND 1000),
  lifetime_days_max int NOT NULL DEFAULT 365 CHECK (lifetime_days_max BETWEEN 1 AND 365),
  suspended_at timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, fintech_id)
);
GRANT SELECT, INSERT, UPDATE ON fintech TO fusion_runtime;
CALL isolate_by_fintech('fintech');

CREATE TABLE application (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL UNIQUE,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
  description text NOT NULL DEFAULT '' CHECK (char_length(description) <= 500),
  -- Which scopes its tokens may have.
  scopes text[] NOT NULL DEFAULT '{admin}' CHECK (cardinality(scopes) >= 1),
  suspended_at timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, application_id),
  FOREIGN KEY (ifi_id, fintech_id) REFERENCES fintech
);
GRANT SELECT, INSERT, UPDATE ON application TO fusion_runtime;
CALL isolate_by_tenant('application');

-- Who did what to what, and when. Append-only: nobody but the owner can change or remove a row.
CREATE TABLE audit_entry (
  audit_id text PRIMARY KEY,
  at timestamptz NOT NULL,
  -- 'user', 'operator', 'token', 'cli' or 'system', and its id.
  actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'operator', 'token', 'cli', 'system')),
  actor_id text NOT NULL,
  actor_name text NOT NULL,
  ifi_id bigint,
  fintech_id uuid,
  -- Such as 'token.issued'.
  action text NOT NULL CHECK (action ~ '^[a-z_-]+\.[a-z_-]+$'),
  object_kind text NOT NULL,
  object_id text NOT NULL,
  details jsonb NOT NULL DEFAULT '{}',
  request_id text
);
CREATE INDEX audit_entry_by_fintech ON audit_entry (ifi_id, fintech_id, at DESC, audit_id DESC);
CREATE INDEX audit_entry_by_object ON audit_entry (object_kind, object_id, at DESC);
GRANT SELECT, INSERT ON audit_entry TO fusion_runtime;
ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY fintech ON audit_entry TO fusion_runtime
  USING ((SELECT sees_everything()) OR ifi_id || '/' || fintech_id = ANY ((SELECT visible_fintechs())::text[]));
