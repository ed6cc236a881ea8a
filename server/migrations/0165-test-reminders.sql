-- Widening: older releases send a test that is due as a reminder, and plan no digest for its recipient later that day.
--
-- A person asks for a test of a token's reminders. It is a digest like any other, but not of the day's: those are numbered from 1 upwards, the
-- tests of a day from -1 downwards, as many as the person asks for.
ALTER TABLE reminder_digest DROP CONSTRAINT reminder_digest_sequence_check, ADD CHECK (sequence <> 0);
ALTER TABLE reminder DROP CONSTRAINT reminder_kind_check,
  ADD CONSTRAINT reminder_kind_check CHECK (kind IN ('expiry', 'cutover', 'test')),
  ADD CHECK ((kind = 'test') = (sequence < 0)),
  DROP CONSTRAINT reminder_pkey,
  ADD PRIMARY KEY (ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day, sequence);
-- Of anything but a test, one a day.
CREATE UNIQUE INDEX reminder_once ON reminder (ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day)
  WHERE kind <> 'test';
