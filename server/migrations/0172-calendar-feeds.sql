-- Widening: older releases know nothing of calendars and need not.
--
-- The address at which a person's calendar program reads when their tokens end: one for each person, known by the SHA-256 of its secret alone.
CREATE TABLE calendar_feed (
  ifi_id bigint NOT NULL,
  fintech_id uuid NOT NULL,
  user_id text NOT NULL,
  secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
  made_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, fintech_id, user_id),
  FOREIGN KEY (ifi_id, fintech_id, user_id) REFERENCES console_user (ifi_id, fintech_id, user_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON calendar_feed TO fusion_runtime;
CALL isolate_by_fintech('calendar_feed');
