-- Posting in time proportional to the transfers, whatever the planner believes of the tables (decision 9). Replaces post_transfers() of
-- migration 0006: the same rules, each account found by one index lookup.
--
-- The account's row is not locked beforehand any more: the UPDATE takes the lock, and if the row has changed since the statement began
-- its `posting_count` has too, so that the postings do not continue it and all is refused. Whoever has locked the rows before, as
-- the program does, never meets that.
CREATE OR REPLACE FUNCTION post_transfers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  posted bigint;
  moved bigint;
  applied bigint;
BEGIN
  WITH leg AS (
    SELECT f.ifi_id, f.environment, f.fintech_id, f.debit_account_id AS account_id, f.debit_sequence AS sequence,
      f.transfer_number, -f.amount AS amount, f.currency, f.kind, f.posted_at FROM fresh f
    UNION ALL
    SELECT f.ifi_id, f.environment, f.fintech_id, f.credit_account_id, f.credit_sequence,
      f.transfer_number, f.amount, f.currency, f.kind, f.posted_at FROM fresh f
  ), posted_leg AS (
    INSERT INTO posting (ifi_id, environment, fintech_id, account_id, sequence, transfer_number, amount, balance_after, posted_at)
    SELECT leg.ifi_id, leg.environment, leg.fintech_id, leg.account_id, leg.sequence, leg.transfer_number, leg.amount,
      a.balance + sum(leg.amount) OVER (
        PARTITION BY leg.ifi_id, leg.environment, leg.fintech_id, leg.account_id ORDER BY leg.sequence),
      leg.posted_at
    -- OFFSET keeps the planner from joining the other way round: all accounts, and for each the whole batch.
    FROM leg CROSS JOIN LATERAL (
      SELECT a.balance, a.currency, a.status, a.kind FROM account a
      WHERE a.ifi_id = leg.ifi_id AND a.environment = leg.environment AND a.fintech_id = leg.fintech_id
        AND a.account_id = leg.account_id OFFSET 0) a
    WHERE a.currency = leg.currency AND a.status = 'ENABLED' AND (a.kind <> 'settlement' OR leg.kind = 'funding')
    RETURNING *
  ), account_moved AS (
    SELECT p.ifi_id, p.environment, p.fintech_id, p.account_id, sum(p.amount) AS amount, count(*) AS postings,
      min(p.sequence) AS first_sequence, max(p.sequence) AS last_sequence, min(p.balance_after) AS lowest
    FROM posted_leg p GROUP BY p.ifi_id, p.environment, p.fintech_id, p.account_id
  ), account_applied AS (
    -- From its last posting to its newest, and only if the new ones continue the old without a gap and stay above the floor throughout.
    UPDATE account a SET balance = a.balance + m.amount, posting_count = m.last_sequence
    FROM account_moved m
    WHERE a.ifi_id = m.ifi_id AND a.environment = m.environment AND a.fintech_id = m.fintech_id AND a.account_id = m.account_id
      AND m.first_sequence = a.posting_count + 1 AND m.last_sequence = a.posting_count + m.postings
      AND m.lowest >= a.floor
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM posted_leg), (SELECT count(*) FROM account_moved), (SELECT count(*) FROM account_applied)
  INTO posted, moved, applied;

  IF posted <> 2 * (SELECT count(*) FROM fresh) THEN
    RAISE EXCEPTION 'A transfer names an account of another tenant or currency, a disabled one, or the bank''s own.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_accounts_fit';
  END IF;
  IF applied <> moved THEN
    RAISE EXCEPTION 'A transfer would leave a gap in an account''s postings or take it below its floor.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_continues_accounts';
  END IF;
  RETURN NULL;
END $$;

-- What these two checked row by row, at half the cost of a whole transfer, post_transfers() checks for all rows at once: both accounts are
-- found under the transfer's own tenant. No account is ever deleted.
ALTER TABLE transfer DROP CONSTRAINT transfer_ifi_id_environment_fintech_id_debit_account_id_fkey;
ALTER TABLE transfer DROP CONSTRAINT transfer_ifi_id_environment_fintech_id_credit_account_id_fkey;
