-- Widening: older releases make and send the first digest of a day; a further one, of which they know nothing, they take for the same.
--
-- A person who stands in for a subscriber that was lost later in the day is told that day, though the digest of the morning is out.
ALTER TABLE reminder DROP CONSTRAINT reminder_ifi_id_fintech_id_user_id_channel_local_day_fkey;
ALTER TABLE reminder_digest ADD COLUMN sequence int NOT NULL DEFAULT 1 CHECK (sequence >= 1);
ALTER TABLE reminder_digest DROP CONSTRAINT reminder_digest_pkey,
  ADD PRIMARY KEY (ifi_id, fintech_id, user_id, channel, local_day, sequence);
ALTER TABLE reminder ADD COLUMN sequence int NOT NULL DEFAULT 1;
ALTER TABLE reminder ADD FOREIGN KEY (ifi_id, fintech_id, user_id, channel, local_day, sequence) REFERENCES reminder_digest;
