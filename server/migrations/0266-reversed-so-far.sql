-- Widening: older releases reverse through the same functions. An older `ledger verify` would report a reversal with an empty name.
--
-- Each part in which a transfer was reversed added up all earlier parts, three times: after 20,000 parts a quarter of a second, for which the
-- other transfers of its batch waited. The sum is now kept with each part, so that one row answers.
--
-- Also, an empty originalTransferID or originalRequestID names no transfer, as null does. It hid the other name beside it.

ALTER TABLE transfer_reversal ADD COLUMN reversed bigint;
UPDATE transfer_reversal r SET reversed = summed.reversed
FROM (
  SELECT r.request_id, r.ifi_id, r.environment, r.fintech_id, sum(r.amount) OVER (
    PARTITION BY r.original_request_id, r.ifi_id, r.environment, r.fintech_id ORDER BY t.transfer_number) AS reversed
  FROM transfer_reversal r
  JOIN transfer t USING (request_id, ifi_id, environment, fintech_id)) summed
WHERE (r.request_id, r.ifi_id, r.environment, r.fintech_id)
  = (summed.request_id, summed.ifi_id, summed.environment, summed.fintech_id);
ALTER TABLE transfer_reversal ALTER COLUMN reversed SET NOT NULL, ADD CHECK (reversed >= amount);
COMMENT ON COLUMN transfer_reversal.reversed IS 'What was reversed of the original up to here, with this reversal.';
DROP INDEX transfer_reversal_by_original;
CREATE INDEX transfer_reversal_by_original ON transfer_reversal (original_request_id, ifi_id, environment, fintech_id, reversed);

-- As in migration 0210, but for the sum of earlier reversals and for empty names.
CREATE OR REPLACE FUNCTION reversal_original(ifi bigint, env environment, fintech uuid, debit uuid, credit uuid, code text, code_currency text,
  wanted bigint, attributes jsonb, before bigint DEFAULT NULL)
RETURNS TABLE (original_request_id text, moved bigint, reversed bigint) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  named_transfer CONSTANT text := nullif(attributes ->> 'originalTransferID', '');
  named CONSTANT text := coalesce(nullif(attributes ->> 'originalRequestID', ''),
    substring(named_transfer FROM '^[0-9]{17}_[0-9]{1,19}_(.+)$'), CASE WHEN named_transfer IS NOT NULL THEN '' END);
  sequence_before CONSTANT bigint := coalesce(before, 9223372036854775807);
BEGIN
  RETURN QUERY
  SELECT found.request_id, found.amount, found.reversed FROM (
    SELECT t.request_id, t.amount, t.debit_sequence,
      coalesce((SELECT max(r.reversed) FROM transfer_reversal r
        WHERE r.original_request_id = t.request_id AND r.ifi_id = ifi AND r.environment = env AND r.fintech_id = fintech), 0) AS reversed
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

-- As in migration 0055, but for the sum.
CREATE OR REPLACE FUNCTION record_reversal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  original record;
  counted bigint;
BEGIN
  SELECT * INTO original FROM reversal_original(NEW.ifi_id, NEW.environment, NEW.fintech_id, NEW.debit_account_id,
    NEW.credit_account_id, NEW.transfer_code, NEW.currency, NEW.amount, NEW.attributes::jsonb, NEW.debit_sequence);
  IF original.original_request_id IS NULL THEN
    RAISE EXCEPTION 'A reversal undoes no transfer.' USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_reversal_original';
  END IF;
  -- The original's row is locked before what was reversed of it is read, so that two reversals at once never both count from the same sum.
  PERFORM FROM transfer t WHERE t.request_id = original.original_request_id AND t.ifi_id = NEW.ifi_id
    AND t.environment = NEW.environment AND t.fintech_id = NEW.fintech_id FOR NO KEY UPDATE;
  SELECT coalesce(max(r.reversed), 0) + NEW.amount INTO counted FROM transfer_reversal r
    WHERE r.original_request_id = original.original_request_id AND r.ifi_id = NEW.ifi_id
      AND r.environment = NEW.environment AND r.fintech_id = NEW.fintech_id;
  IF counted > original.moved THEN
    RAISE EXCEPTION 'A reversal would undo more than the transfer moved.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_reversal_amount';
  END IF;
  INSERT INTO transfer_reversal (ifi_id, environment, fintech_id, request_id, original_request_id, amount, reversed)
    VALUES (NEW.ifi_id, NEW.environment, NEW.fintech_id, NEW.request_id, original.original_request_id, NEW.amount, counted);
  RETURN NULL;
END $$;
