-- Console users, how to reach them, and which applications they may see or manage.

CREATE TABLE console_user (
  user_id text PRIMARY KEY,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
  role text NOT NULL CHECK (role IN ('operator_admin', 'operator_viewer', 'fintech_admin', 'fintech_member')),
  -- A person belongs to one fintech, or, with neither column, to the operator.
  ifi_id bigint,
  fintech_id uuid,
  -- argon2id in PHC form; null until the first login sets it.
  password_hash text,
  password_set_at timestamptz,
  disabled_at timestamptz,
  created_at timestamptz NOT NULL,
  FOREIGN KEY (ifi_id, fintech_id) REFERENCES fintech,
  CHECK ((ifi_id IS NULL) = (fintech_id IS NULL)),
  CHECK ((fintech_id IS NULL) = (role IN ('operator_admin', 'operator_viewer'))),
  CHECK ((password_hash IS NULL) = (password_set_at IS NULL)),
  UNIQUE (ifi_id, fintech_id, user_id)
);
GRANT SELECT, INSERT, UPDATE ON console_user TO fusion_runtime;
CALL isolate_by_fintech('console_user');

-- A phone (E.164) or an email (lower case) that a person logs in with and is written to. One address, one person.
CREATE TABLE identity (
  channel text NOT NULL CHECK (channel IN ('sms', 'email')),
  address text NOT NULL,
  user_id text NOT NULL REFERENCES console_user,
  verified_at timestamptz,
  -- Set when the provider said the address does not exist.
  bounced_at timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (channel, address),
  UNIQUE (user_id, channel),
  CHECK (channel <> 'sms' OR address ~ '^\+[1-9][0-9]{6,14}$'),
  CHECK (channel <> 'email' OR (address = lower(address) AND address ~ '^[^@\s]+@[^@\s]+$' AND char_length(address) <= 254))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON identity TO fusion_runtime;
ALTER TABLE identity ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity FORCE ROW LEVEL SECURITY;
-- Visible exactly with its person: the subquery runs under console_user's own policy.
CREATE POLICY person ON identity TO fusion_runtime
  USING ((SELECT sees_everything()) OR EXISTS (SELECT FROM console_user WHERE console_user.user_id = identity.user_id));

-- A fintech member sees the applications listed here; a fintech admin sees and manages all of the fintech's.
CREATE TABLE application_access (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  user_id text NOT NULL,
  level text NOT NULL CHECK (level IN ('view', 'manage')),
  granted_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, application_id, user_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id) REFERENCES application,
  -- Composite, so that a person of one fintech can never be granted another's application.
  FOREIGN KEY (ifi_id, fintech_id, user_id) REFERENCES console_user (ifi_id, fintech_id, user_id)
);
CREATE INDEX application_access_by_user ON application_access (user_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON application_access TO fusion_runtime;
CALL isolate_by_tenant('application_access');
