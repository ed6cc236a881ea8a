-- Reminders: which notice about which token goes to whom on which local day, and what became of it.

-- What this room reads of tokens and people, in one place, so that their owners see what depends on them. The views run
-- with the caller's rights: row-level security of the tables beneath holds.
CREATE VIEW remindable_subscription WITH (security_invoker = true) AS
SELECT t.ifi_id, t.environment, t.fintech_id, t.application_id, t.token_id, t.name, t.hint, t.expires_at, t.revoked_at,
       s.user_id, s.subscribed_at, s.ended_at
FROM token t
JOIN token_subscription s USING (ifi_id, environment, fintech_id, application_id, token_id);
GRANT SELECT ON remindable_subscription TO fusion_runtime;

-- The addresses at which a person can be reached now.
CREATE VIEW reachable_address WITH (security_invoker = true) AS
SELECT u.ifi_id, u.fintech_id, u.user_id, u.name, u.role, i.channel, i.address
FROM console_user u
JOIN identity i ON i.user_id = u.user_id AND i.bounced_at IS NULL
WHERE u.disabled_at IS NULL;
GRANT SELECT ON reachable_address TO fusion_runtime;

-- Whether the person may (still) see the application: who may not is told nothing about its tokens.
CREATE FUNCTION sees_application(person text, application text) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM console_user WHERE user_id = person AND role = 'fintech_admin')
    OR EXISTS (SELECT FROM application_access WHERE user_id = person AND application_id = application);

-- The sweep reads one fintech's window at a time.
CREATE INDEX token_by_fintech_expiry ON token (fintech_id, expires_at);

-- The local days on which a fintech's notices were planned. The primary key lets exactly one of two sweeps plan a day.
CREATE TABLE reminder_day (
  ifi_id bigint NOT NULL,
  fintech_id uuid NOT NULL,
  local_day date NOT NULL,
  swept_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, fintech_id, local_day),
  FOREIGN KEY (ifi_id, fintech_id) REFERENCES fintech
);
GRANT SELECT, INSERT ON reminder_day TO fusion_runtime;
CALL isolate_by_fintech('reminder_day');

-- One message: all notices of one fintech for one person on one channel on one local day.
CREATE TABLE reminder_digest (
  ifi_id bigint NOT NULL,
  fintech_id uuid NOT NULL,
  user_id text NOT NULL,
  channel text NOT NULL CHECK (channel IN ('sms', 'email')),
  local_day date NOT NULL,
  state text NOT NULL CHECK (state IN ('planned', 'sending', 'sent', 'failed', 'missed', 'cancelled')),
  -- From when on it may be claimed (again); null when nothing more is to be done.
  due_at timestamptz,
  -- The end of its local day: a notice that says "in 3 days" is not sent on the next one.
  send_until timestamptz NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  -- Set by the first claim: from then on no notice joins it.
  frozen_at timestamptz,
  sent_at timestamptz,
  sent_to text,
  -- What the provider answered.
  answer text,
  error text,
  PRIMARY KEY (ifi_id, fintech_id, user_id, channel, local_day),
  FOREIGN KEY (ifi_id, fintech_id) REFERENCES fintech,
  FOREIGN KEY (ifi_id, fintech_id, user_id) REFERENCES console_user (ifi_id, fintech_id, user_id),
  CHECK ((state IN ('planned', 'sending')) <= (due_at IS NOT NULL)),
  CHECK ((state IN ('sent', 'missed', 'cancelled')) <= (due_at IS NULL)),
  CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
CREATE INDEX reminder_digest_due ON reminder_digest (due_at) WHERE due_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON reminder_digest TO fusion_runtime;
CALL isolate_by_fintech('reminder_digest');

-- One notice: one token, one recipient (a person on one channel), one kind, one local day.
CREATE TABLE reminder (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  token_id text NOT NULL,
  user_id text NOT NULL,
  channel text NOT NULL CHECK (channel IN ('sms', 'email')),
  kind text NOT NULL CHECK (kind IN ('expiry')),
  local_day date NOT NULL,
  -- Whether it goes to an admin because nobody who subscribed can be reached.
  fallback boolean NOT NULL,
  state text NOT NULL CHECK (state IN ('planned', 'sent', 'failed', 'missed', 'cancelled')),
  planned_for timestamptz NOT NULL,
  sent_at timestamptz,
  answer text,
  -- Why it failed or was cancelled, for people.
  error text,
  -- When the provider said that the address does not exist.
  bounced_at timestamptz,
  PRIMARY KEY (ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id, token_id) REFERENCES token,
  FOREIGN KEY (ifi_id, fintech_id, user_id, channel, local_day) REFERENCES reminder_digest,
  CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
CREATE INDEX reminder_by_digest ON reminder (ifi_id, fintech_id, user_id, channel, local_day);
CREATE INDEX reminder_by_token ON reminder (token_id, local_day DESC);
GRANT SELECT, INSERT, UPDATE ON reminder TO fusion_runtime;
CALL isolate_by_tenant('reminder');
