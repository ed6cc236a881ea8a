-- Widening: older releases ask as before.
--
-- A reversal undoes what its account received before it. The trigger of migration 0012 sees all rows of a batch at once, so that a reversal
-- that named no original could be tied to a transfer which the same batch posted after it.

DROP FUNCTION reversal_original;
-- What a transfer with a reversal code would undo, how much that moved and how much of it was reversed before; no row for nothing. The
-- original went the other way under the code without -REVERSAL. The attributes may name it (originalTransferID, originalRequestID);
-- else it is the newest among the last 1,000 movements of the account with enough left, or, where none has, the newest. Only what `debit`
-- received before its posting number `before` counts; all, where none is given.
CREATE FUNCTION reversal_original(ifi bigint, env environment, fintech uuid, debit uuid, credit uuid, code text, code_currency text,
  wanted bigint, attributes jsonb, before bigint DEFAULT NULL)
RETURNS TABLE (original_request_id text, moved bigint, reversed bigint) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  named text := coalesce(attributes ->> 'originalRequestID',
    coalesce(substring(attributes ->> 'originalTransferID' FROM '^[0-9]{17}_[0-9]{1,19}_(.+)$'),
      CASE WHEN attributes ->> 'originalTransferID' IS NOT NULL THEN '' END));
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
      AND t.currency = code_currency AND t.transfer_code || '-REVERSAL' = code AND t.transfer_code NOT LIKE '%-REVERSAL') found
  ORDER BY found.amount - found.reversed >= wanted DESC, found.debit_sequence DESC LIMIT 1;
END $$;
GRANT EXECUTE ON FUNCTION reversal_original TO fusion_runtime;

-- As in migration 0015, but for what came before.
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
  PERFORM FROM transfer t WHERE t.request_id = original.original_request_id AND t.ifi_id = NEW.ifi_id
    AND t.environment = NEW.environment AND t.fintech_id = NEW.fintech_id FOR NO KEY UPDATE;
  SELECT coalesce(sum(r.amount), 0) INTO counted FROM transfer_reversal r
    WHERE r.original_request_id = original.original_request_id AND r.ifi_id = NEW.ifi_id
      AND r.environment = NEW.environment AND r.fintech_id = NEW.fintech_id;
  IF counted + NEW.amount > original.moved THEN
    RAISE EXCEPTION 'A reversal would undo more than the transfer moved.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_reversal_amount';
  END IF;
  INSERT INTO transfer_reversal (ifi_id, environment, fintech_id, request_id, original_request_id, amount)
    VALUES (NEW.ifi_id, NEW.environment, NEW.fintech_id, NEW.request_id, original.original_request_id, NEW.amount);
  RETURN NULL;
END $$;
