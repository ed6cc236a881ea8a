-- Logging in: the walk from identifier to session, codes, counters, devices, sessions; and messages waiting to be sent.

-- One browser on its way from an identifier to a session, found by the SHA-256 of its cookie. An unknown identifier has a row
-- like any other, with no person. No foreign key: checking one only for known people would cost a query that can be timed.
CREATE TABLE login_walk (
  walk_hash bytea PRIMARY KEY CHECK (octet_length(walk_hash) = 32),
  step text NOT NULL CHECK (step IN ('code', 'password', 'set_password', 'forgot_code')),
  channel text NOT NULL CHECK (channel IN ('sms', 'email')),
  address text NOT NULL CHECK (char_length(address) <= 254),
  user_id text,
  -- Whom wrong tries count against: the person, or a MAC of an address that nobody has.
  subject text NOT NULL,
  -- The browser from an earlier login of this person; '' for any other browser.
  device_id text NOT NULL,
  -- When the first code was verified: at a login, that proves presence.
  verified_at timestamptz,
  -- Where "Forgot password" sent the second code.
  forgot_channel text CHECK (forgot_channel IN ('sms', 'email')),
  forgot_address text,
  -- Why the password is being set; null while it is not.
  set_reason text CHECK (set_reason IN ('first_login', 'forgotten', 'approved')),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX login_walk_by_expiry ON login_walk (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON login_walk TO fusion_runtime;

-- The one live code of a browser and purpose. A new code takes the place of the old one and inherits its tries.
CREATE TABLE one_time_code (
  -- SHA-256 of the cookie of the walk, or of the session, that asked.
  browser_hash bytea NOT NULL CHECK (octet_length(browser_hash) = 32),
  purpose text NOT NULL CHECK (purpose IN ('login', 'forgot', 'step_up')),
  -- HMAC-SHA-256 under a key outside the database: a million codes are soon tried.
  code_mac bytea NOT NULL CHECK (octet_length(code_mac) = 32),
  channel text NOT NULL CHECK (channel IN ('sms', 'email')),
  address text NOT NULL CHECK (char_length(address) <= 254),
  tries int NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
  used_at timestamptz,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (browser_hash, purpose)
);
CREATE INDEX one_time_code_by_expiry ON one_time_code (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON one_time_code TO fusion_runtime;

-- Wrong codes and passwords together, by account and browser: browsers not known share one counter, known ones have their own.
CREATE TABLE login_failure (
  subject text NOT NULL,
  device_id text NOT NULL,
  -- Since the last login or the end of the last lock.
  failures int NOT NULL CHECK (failures >= 0),
  -- Since the last login.
  failures_in_a_row int NOT NULL CHECK (failures_in_a_row >= 0),
  locked_until timestamptz,
  last_at timestamptz NOT NULL,
  PRIMARY KEY (subject, device_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON login_failure TO fusion_runtime;

-- When codes were sent to an address or for an IP (as MACs), or how many in an hour in all.
CREATE TABLE code_sending (
  key text PRIMARY KEY,
  sent_at timestamptz[] NOT NULL DEFAULT '{}',
  sends int NOT NULL DEFAULT 0 CHECK (sends >= 0),
  touched_at timestamptz NOT NULL
);
CREATE INDEX code_sending_by_touch ON code_sending (touched_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON code_sending TO fusion_runtime;

-- A browser that a person has logged in with, found by the SHA-256 of its long-lived cookie.
CREATE TABLE known_device (
  device_hash bytea NOT NULL CHECK (octet_length(device_hash) = 32),
  user_id text NOT NULL REFERENCES console_user,
  device_id text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL,
  last_login_at timestamptz NOT NULL,
  PRIMARY KEY (device_hash, user_id)
);
CREATE INDEX known_device_by_user ON known_device (user_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON known_device TO fusion_runtime;

CREATE TABLE user_session (
  session_id text PRIMARY KEY,
  -- SHA-256 of the cookie.
  secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
  user_id text NOT NULL REFERENCES console_user,
  device_id text NOT NULL,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  -- However busy it is, it ends then.
  expires_at timestamptz NOT NULL,
  stepped_up_at timestamptz NOT NULL,
  ended_at timestamptz,
  ip text NOT NULL CHECK (char_length(ip) <= 64),
  user_agent text NOT NULL CHECK (char_length(user_agent) <= 200)
);
CREATE INDEX user_session_by_user ON user_session (user_id, last_seen_at DESC);
CREATE INDEX user_session_by_expiry ON user_session (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON user_session TO fusion_runtime;

-- A forgotten password that an admin or the Fusion team must approve: one identity only, or too many wrong tries in a row.
CREATE TABLE password_reset (
  user_id text PRIMARY KEY REFERENCES console_user,
  reason text NOT NULL CHECK (reason IN ('forgotten', 'too_many_failures')),
  requested_at timestamptz NOT NULL,
  approved_at timestamptz,
  approved_by text,
  CHECK ((approved_at IS NULL) = (approved_by IS NULL))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON password_reset TO fusion_runtime;

-- Messages without secrets, written in the transaction of what they tell and sent by a job after it. One-time codes are never
-- here: they go straight to the provider.
CREATE TABLE outgoing_message (
  message_id text PRIMARY KEY,
  channel text NOT NULL CHECK (channel IN ('sms', 'email')),
  address text NOT NULL CHECK (char_length(address) <= 254),
  subject text NOT NULL,
  text text NOT NULL,
  sms_template text,
  created_at timestamptz NOT NULL,
  sent_at timestamptz,
  -- The provider's last answer or refusal.
  answer text,
  attempts int NOT NULL DEFAULT 0,
  rejected_at timestamptz
);
CREATE INDEX outgoing_message_by_creation ON outgoing_message (created_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON outgoing_message TO fusion_runtime;

-- A transaction for one fintech sees the sessions and resets of its own people; everything else here is for the system alone.
DO $$
DECLARE target text;
BEGIN
  FOREACH target IN ARRAY ARRAY['login_walk', 'one_time_code', 'login_failure', 'code_sending', 'known_device', 'user_session',
                                'password_reset', 'outgoing_message'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', target);
  END LOOP;
  FOREACH target IN ARRAY ARRAY['login_walk', 'one_time_code', 'login_failure', 'code_sending'] LOOP
    EXECUTE format('CREATE POLICY system_only ON %I TO fusion_runtime USING ((SELECT sees_everything()))', target);
  END LOOP;
  FOREACH target IN ARRAY ARRAY['known_device', 'user_session', 'password_reset'] LOOP
    EXECUTE format($policy$
      CREATE POLICY person ON %1$I TO fusion_runtime
        USING ((SELECT sees_everything()) OR EXISTS (SELECT FROM console_user WHERE console_user.user_id = %1$I.user_id))
    $policy$, target);
  END LOOP;
END $$;
-- Any transaction may leave a message behind; only the system reads them.
CREATE POLICY leave ON outgoing_message FOR INSERT TO fusion_runtime WITH CHECK (true);
CREATE POLICY deliver ON outgoing_message FOR ALL TO fusion_runtime USING ((SELECT sees_everything()));
