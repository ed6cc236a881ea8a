-- Widening: older releases call the same functions with the same arguments.
--
-- A count that began before midnight and read postings of after it stamped all of them with the old day, so that the first transfer of the new
-- day began its periods anew without them. The newest posting's day is the count's, as with what the program counts (ledger/usage.ts).

-- As in migration 0131, but in the periods of `today` or of the newest of these postings, whichever is later.
CREATE OR REPLACE FUNCTION add_postings(usage bigint[], ifi bigint, env environment, fintech uuid, account uuid, first bigint, last bigint, today date,
  zone text) RETURNS bigint[] LANGUAGE sql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  WITH moved AS MATERIALIZED (
    SELECT p.amount < 0 AS debit, (p.posted_at AT TIME ZONE zone)::date AS day, count(*) AS times, sum(abs(p.amount)) AS amount
    FROM posting p JOIN transfer t USING (ifi_id, environment, fintech_id, transfer_number)
    WHERE p.account_id = account AND p.sequence BETWEEN first AND last AND p.ifi_id = ifi AND p.environment = env AND p.fintech_id = fintech
      AND t.kind = 'transfer' AND t.transfer_code NOT LIKE '%-REVERSAL'
    GROUP BY 1, 2),
  newest AS MATERIALIZED (SELECT greatest(today, max(m.day)) AS day FROM moved m)
  SELECT array_cat(ARRAY[greatest(usage[1], (SELECT n.day FROM newest n) - date '1970-01-01')],
    array_agg(least(kept.value + added.value, 9007199254740991)::bigint ORDER BY place.value))
  FROM (VALUES (true, 2), (false, 12)) AS direction (debit, place)
  CROSS JOIN unnest(period_starts((SELECT n.day FROM newest n))) WITH ORDINALITY AS period (start, number)
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(m.times), 0) AS times, coalesce(sum(m.amount), 0) AS amount FROM moved m
    WHERE m.debit = direction.debit AND m.day >= period.start) more
  CROSS JOIN LATERAL (VALUES (0, more.times), (1, more.amount)) AS added (kind, value)
  CROSS JOIN LATERAL (SELECT direction.place + 2 * (period.number - 1) + added.kind AS value) place
  CROSS JOIN LATERAL (
    SELECT CASE WHEN usage[1] >= period.start - date '1970-01-01' THEN usage[place.value] ELSE 0 END AS value) kept
$$;

-- As in migration 0131, but all accounts in the periods of the latest day among them.
CREATE OR REPLACE FUNCTION holder_usage_anew(ifi bigint, env environment, fintech uuid, holder uuid, today date, zone text, reads_max bigint,
  OUT usage bigint[], OUT postings bigint, OUT read bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
  asked uuid;
  one record;
  days CONSTANT date := date '1970-01-01';
BEGIN
  usage := array_cat(ARRAY[today - date '1970-01-01']::bigint[], array_fill(0::bigint, ARRAY[20]));
  postings := 0;
  read := 0;
  FOREACH asked IN ARRAY accounts_of_holder(ifi, env, fintech, holder) LOOP
    SELECT * INTO one FROM account_usage(ifi, env, fintech, asked, today, zone, reads_max - read, true);
    read := read + one.read;
    postings := postings + one.postings;
    IF one.covered < one.postings THEN
      usage := NULL;
      RETURN;
    END IF;
    -- One whose postings go on to the next day began its periods with that day; so do all together.
    IF one.usage[1] > usage[1] THEN
      usage := add_postings(usage, ifi, env, fintech, asked, 1, 0, days + one.usage[1]::int, zone);
    ELSIF one.usage[1] < usage[1] THEN
      one.usage := add_postings(one.usage, ifi, env, fintech, asked, 1, 0, days + usage[1]::int, zone);
    END IF;
    usage := ARRAY(
      SELECT CASE position WHEN 1 THEN greatest(total, more) ELSE least(total::numeric + more, 9007199254740991)::bigint END
      FROM unnest(usage, one.usage) WITH ORDINALITY AS u (total, more, position) ORDER BY position);
  END LOOP;
END $$;
