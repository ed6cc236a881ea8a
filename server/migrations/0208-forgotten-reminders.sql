-- Widening: older releases never delete of these.
--
-- Reminders of days that are long over are cleared away (reminders/forget-reminders.ts).
GRANT DELETE ON reminder, reminder_digest, reminder_event, reminder_day TO fusion_runtime;
