-- Widening: older releases take an address that was never proven for one that reaches its person.
--
-- An address is proven by the code of a login. One that an admin mistyped may lead to nobody, or to a stranger, and no provider says so: it is
-- written to, but nobody counts as reached by it.
CREATE OR REPLACE VIEW reachable_address WITH (security_invoker = true) AS
SELECT u.ifi_id, u.fintech_id, u.user_id, u.name, u.role, i.channel, i.address, i.rejected_day,
       -- Whether it may be written to for others.
       NOT (i.channel = 'email' AND e.user_id IS NOT NULL) AS stands_in,
       i.verified_at IS NOT NULL AS verified
FROM console_user u
JOIN identity i ON i.user_id = u.user_id AND i.bounced_at IS NULL
LEFT JOIN reminder_mail_end e ON e.ifi_id = u.ifi_id AND e.fintech_id = u.fintech_id AND e.user_id = u.user_id
WHERE u.disabled_at IS NULL;
