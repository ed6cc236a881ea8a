-- Widening: older releases call the same functions with the same arguments.
--
-- A year, counted anew from the postings, begins at the bank's midnight. `date_trunc` of a date is an instant, midnight in UTC, and at the time
-- zone of the bank that is no midnight: the first eleven hours of a year in India were left out. What was counted so may be too little; it is
-- forgotten, and counted anew by the next transfer of each account and holder. A new column is made at once; an UPDATE would wait for transfers.
ALTER TABLE account DROP COLUMN usage, ADD COLUMN usage text;
COMMENT ON COLUMN account.usage IS 'As limit_usage (holder_usage), in text. Null while nothing is counted.';
GRANT UPDATE (usage) ON account TO fusion_runtime;
DELETE FROM holder_usage;

-- count_usage of migration 0056, with that instant.
CREATE OR REPLACE FUNCTION count_usage(ifi bigint, env environment, fintech uuid, accounts uuid[], today date, zone text) RETURNS bigint[]
LANGUAGE sql STABLE
RETURN (
  SELECT array_cat(ARRAY[today - date '1970-01-01']::bigint[], ARRAY[
    count(*) FILTER (WHERE debit AND day >= today), coalesce(sum(-amount) FILTER (WHERE debit AND day >= today), 0),
    count(*) FILTER (WHERE debit AND day >= date_trunc('week', today)), coalesce(sum(-amount) FILTER (WHERE debit AND day >= date_trunc('week', today)), 0),
    count(*) FILTER (WHERE debit AND day >= date_trunc('month', today)), coalesce(sum(-amount) FILTER (WHERE debit AND day >= date_trunc('month', today)), 0),
    count(*) FILTER (WHERE debit AND day >= date_trunc('quarter', today)), coalesce(sum(-amount) FILTER (WHERE debit AND day >= date_trunc('quarter', today)), 0),
    count(*) FILTER (WHERE debit AND day >= date_trunc('year', today)), coalesce(sum(-amount) FILTER (WHERE debit AND day >= date_trunc('year', today)), 0),
    count(*) FILTER (WHERE NOT debit AND day >= today), coalesce(sum(amount) FILTER (WHERE NOT debit AND day >= today), 0),
    count(*) FILTER (WHERE NOT debit AND day >= date_trunc('week', today)), coalesce(sum(amount) FILTER (WHERE NOT debit AND day >= date_trunc('week', today)), 0),
    count(*) FILTER (WHERE NOT debit AND day >= date_trunc('month', today)), coalesce(sum(amount) FILTER (WHERE NOT debit AND day >= date_trunc('month', today)), 0),
    count(*) FILTER (WHERE NOT debit AND day >= date_trunc('quarter', today)), coalesce(sum(amount) FILTER (WHERE NOT debit AND day >= date_trunc('quarter', today)), 0),
    count(*) FILTER (WHERE NOT debit AND day >= date_trunc('year', today)), coalesce(sum(amount) FILTER (WHERE NOT debit AND day >= date_trunc('year', today)), 0)
  ]::bigint[])
  FROM (
    SELECT p.amount, p.amount < 0 AS debit, (p.posted_at AT TIME ZONE zone)::date AS day
    -- A week may begin in the year before.
    FROM (SELECT least(date_trunc('year', today::timestamp), date_trunc('week', today::timestamp)) AT TIME ZONE zone AS beginning) earliest
    CROSS JOIN unnest(accounts) AS asked (account)
    CROSS JOIN LATERAL (
      SELECT first_sequence_after(ifi, env, fintech, asked.account, beginning - interval '1 microsecond') AS first OFFSET 0) found
    JOIN posting p ON p.account_id = asked.account AND p.sequence >= found.first - 256
      AND p.ifi_id = ifi AND p.environment = env AND p.fintech_id = fintech
    JOIN transfer t USING (ifi_id, environment, fintech_id, transfer_number)
    WHERE p.posted_at >= beginning AND t.kind = 'transfer' AND t.transfer_code NOT LIKE '%-REVERSAL') moved
);
