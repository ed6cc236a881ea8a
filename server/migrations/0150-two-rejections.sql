-- Widening: older releases mark an address at its first rejection.
--
-- One bad morning at a provider must not take a person's address out of use for good: it is marked at the second rejection in a row, on
-- another local day. `rejected_day` is the day of the first; accepted mail and the mark clear it.
ALTER TABLE identity ADD COLUMN rejected_day date;

CREATE OR REPLACE VIEW reachable_address WITH (security_invoker = true) AS
SELECT u.ifi_id, u.fintech_id, u.user_id, u.name, u.role, i.channel, i.address, i.rejected_day
FROM console_user u
JOIN identity i ON i.user_id = u.user_id AND i.bounced_at IS NULL
WHERE u.disabled_at IS NULL;
