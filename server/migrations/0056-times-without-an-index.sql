-- Widening: older releases find the same, more slowly.
--
-- The postings of a time are found by halving, so that no index of times has to be written with every posting: two of the six entries that a
-- transfer cost.

-- The first posting of an account after an instant; the one behind its last where none is. An account's times rise with its sequence but for
-- what the clocks of several processes differ, so that there may be postings from after the instant among the neighbours before it, and earlier
-- ones among those behind it.
CREATE FUNCTION first_sequence_after(ifi bigint, env environment, fintech uuid, account uuid, instant timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  first bigint := 1;
  behind bigint;
  middle bigint;
  middle_at timestamptz;
BEGIN
  SELECT a.posting_count + 1 INTO behind FROM account a
    WHERE a.ifi_id = ifi AND a.environment = env AND a.fintech_id = fintech AND a.account_id = account;
  WHILE first < behind LOOP
    middle := (first + behind) / 2;
    SELECT p.posted_at INTO middle_at FROM posting p
      WHERE p.account_id = account AND p.sequence = middle AND p.ifi_id = ifi AND p.environment = env AND p.fintech_id = fintech;
    IF middle_at > instant THEN
      behind := middle;
    ELSE
      first := middle + 1;
    END IF;
  END LOOP;
  RETURN first;
END $$;
GRANT EXECUTE ON FUNCTION first_sequence_after TO fusion_runtime;

-- As in migration 0014, but for how the postings are found.
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
    FROM (SELECT least(date_trunc('year', today), date_trunc('week', today)) AT TIME ZONE zone AS beginning) earliest
    CROSS JOIN unnest(accounts) AS asked (account)
    CROSS JOIN LATERAL (
      SELECT first_sequence_after(ifi, env, fintech, asked.account, beginning - interval '1 microsecond') AS first OFFSET 0) found
    JOIN posting p ON p.account_id = asked.account AND p.sequence >= found.first - 256
      AND p.ifi_id = ifi AND p.environment = env AND p.fintech_id = fintech
    JOIN transfer t USING (ifi_id, environment, fintech_id, transfer_number)
    WHERE p.posted_at >= beginning AND t.kind = 'transfer' AND t.transfer_code NOT LIKE '%-REVERSAL') moved
);

DROP INDEX posting_by_time;
