-- Widening: older releases refuse a later time less politely.
--
-- Reminders are swept every quarter of an hour, on the local day that they speak of: after 23:45 that day had no sweep any more. Until 23:30 it has
-- one, and time for it to send.
--
-- An owner that is no superuser sees the rows, too; and no memory of a token depends on the time, so that none need hear of its change.
ALTER TABLE fintech NO FORCE ROW LEVEL SECURITY, DISABLE TRIGGER change_is_noted;
UPDATE fintech SET reminder_time = '23:30' WHERE reminder_time > '23:30';
ALTER TABLE fintech ENABLE TRIGGER change_is_noted, FORCE ROW LEVEL SECURITY,
  ADD CONSTRAINT fintech_reminder_time_check CHECK (reminder_time <= '23:30');
