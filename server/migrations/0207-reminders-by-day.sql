-- Widening: the same answers.
-- Outside a transaction: these tables are large, and written to.
--
-- Reminders are cleared away by their day (reminders/forget-reminders.ts), those of a digest with it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS reminder_digest_by_day ON reminder_digest (local_day);
CREATE INDEX CONCURRENTLY IF NOT EXISTS reminder_event_by_day ON reminder_event (local_day);
CREATE INDEX CONCURRENTLY IF NOT EXISTS reminder_day_by_day ON reminder_day (local_day);
