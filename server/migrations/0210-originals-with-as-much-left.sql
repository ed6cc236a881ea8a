-- Widening: older releases ask as before, and are answered what holds.
--
-- A reversal that names no original undid the newest that had enough left: after transfers of 50 and of 100 a reversal of 50 took half of the
-- 100, and one of 100 found nothing then. One that has exactly so much left goes first.

-- What a transfer with a reversal code would undo, how much that moved and how much of it was reversed before; no row for nothing. The
-- original went the other way under the code without -REVERSAL. The attributes may name it (originalTransferID, originalRequestID; where both
-- do, both must); else it is, among the last 1,000 movements of the account, the newest with exactly as much left, or, where none has, the
-- newest with more left, or, where none has that, the newest. Only what `debit` received before its posting number `before` counts; all, where
-- none is given.
CREATE OR REPLACE FUNCTION reversal_original(ifi bigint, env environment, fintech uuid, debit uuid, credit uuid, code text, code_currency text,
  wanted bigint, attributes jsonb, before bigint DEFAULT NULL)
RETURNS TABLE (original_request_id text, moved bigint, reversed bigint) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  named_transfer CONSTANT text := attributes ->> 'originalTransferID';
  named CONSTANT text := coalesce(attributes ->> 'originalRequestID', substring(named_transfer FROM '^[0-9]{17}_[0-9]{1,19}_(.+)$'),
    CASE WHEN named_transfer IS NOT NULL THEN '' END);
  sequence_before CONSTANT bigint := coalesce(before, 9223372036854775807);
BEGIN
  RETURN QUERY
  SELECT found.request_id, found.amount, found.reversed FROM (
    SELECT t.request_id, t.amount, t.debit_sequence,
      (SELECT coalesce(sum(r.amount), 0)::bigint FROM transfer_reversal r
        WHERE r.original_request_id = t.request_id AND r.ifi_id = ifi AND r.environment = env AND r.fintech_id = fintech) AS reversed
    FROM (
      SELECT t.* FROM transfer t
      WHERE named IS NOT NULL AND t.request_id = named AND t.ifi_id = ifi AND t.environment = env AND t.fintech_id = fintech
      UNION ALL
      SELECT t.* FROM (
        SELECT p.transfer_number FROM posting p
        WHERE named IS NULL AND p.account_id = debit AND p.ifi_id = ifi AND p.environment = env AND p.fintech_id = fintech
          AND p.sequence < sequence_before
        ORDER BY p.sequence DESC LIMIT 1000) p
      CROSS JOIN LATERAL (
        SELECT * FROM transfer t WHERE t.transfer_number = p.transfer_number AND t.ifi_id = ifi AND t.environment = env
          AND t.fintech_id = fintech OFFSET 0) t) t
    WHERE t.kind = 'transfer' AND t.debit_account_id = credit AND t.credit_account_id = debit AND t.credit_sequence < sequence_before
      AND (named_transfer IS NULL
        OR named_transfer = to_char(t.posted_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSMS') || '_' || t.debit_sequence || '_' || t.request_id)
      AND t.currency = code_currency AND t.transfer_code || '-REVERSAL' = code AND t.transfer_code NOT LIKE '%-REVERSAL') found
  ORDER BY found.amount - found.reversed = wanted DESC, found.amount - found.reversed >= wanted DESC, found.debit_sequence DESC LIMIT 1;
END $$;
