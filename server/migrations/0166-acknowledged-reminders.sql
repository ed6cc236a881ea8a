-- Widening: older releases do not know of acknowledgements, and plan no digest for whoever made one before that day's time.
--
-- A person says that they know of a token's end: what is left to send them of it on that local day is not sent. Where the day was not planned
-- yet, its rows are made then, under a digest numbered 0, which is never sent and which no other notice joins.
ALTER TABLE reminder_digest DROP CONSTRAINT reminder_digest_sequence_check;
ALTER TABLE reminder
  ADD COLUMN acknowledged_at timestamptz,
  DROP CONSTRAINT reminder_state_check,
  ADD CONSTRAINT reminder_state_check
    CHECK (state IN ('planned', 'sent', 'failed', 'missed', 'cancelled', 'acknowledged')),
  ADD CHECK (state <> 'acknowledged' OR acknowledged_at IS NOT NULL);
CREATE INDEX reminder_acknowledged ON reminder (token_id, user_id, local_day) WHERE acknowledged_at IS NOT NULL;
