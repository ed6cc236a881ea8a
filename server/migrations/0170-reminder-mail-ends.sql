-- Widening: older releases go on sending mail to who has ended it.
--
-- "Unsubscribe" in a mail program ends the reminder mail of that person: of every token they subscribed to, and as an admin who stands in for
-- others. Reminders by SMS go on, and whoever would hear of nothing then is stood in for like somebody who cannot be reached.
ALTER TABLE token_subscription ADD COLUMN mail_ended_at timestamptz;

-- Who gets no mail for others, until they ask to be reminded of a token again.
CREATE TABLE reminder_mail_end (
  ifi_id bigint NOT NULL,
  fintech_id uuid NOT NULL,
  user_id text NOT NULL,
  ended_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, fintech_id, user_id),
  FOREIGN KEY (ifi_id, fintech_id, user_id) REFERENCES console_user (ifi_id, fintech_id, user_id)
);
GRANT SELECT, INSERT, DELETE ON reminder_mail_end TO fusion_runtime;
CALL isolate_by_fintech('reminder_mail_end');

CREATE OR REPLACE VIEW remindable_subscription WITH (security_invoker = true) AS
SELECT t.ifi_id, t.environment, t.fintech_id, t.application_id, t.token_id, t.name, t.hint, t.expires_at, t.revoked_at,
       s.user_id, s.subscribed_at, s.ended_at, s.mail_ended_at
FROM token t
JOIN token_subscription s USING (ifi_id, environment, fintech_id, application_id, token_id);

CREATE OR REPLACE VIEW reachable_address WITH (security_invoker = true) AS
SELECT u.ifi_id, u.fintech_id, u.user_id, u.name, u.role, i.channel, i.address, i.rejected_day,
       -- Whether it may be written to for others.
       NOT (i.channel = 'email' AND e.user_id IS NOT NULL) AS stands_in
FROM console_user u
JOIN identity i ON i.user_id = u.user_id AND i.bounced_at IS NULL
LEFT JOIN reminder_mail_end e ON e.ifi_id = u.ifi_id AND e.fintech_id = u.fintech_id AND e.user_id = u.user_id
WHERE u.disabled_at IS NULL;
