-- Form factors that can be blocked, reversals, account status, beneficiaries, transaction policies.

GRANT UPDATE (status) ON form_factor TO fusion_runtime;

-- When an account was last enabled or disabled; null while it is as it was opened.
ALTER TABLE account ADD COLUMN status_changed_at timestamptz;
GRANT UPDATE (status_changed_at) ON account TO fusion_runtime;

-- Which transfer a reversal undoes, and how much of it. Written by the trigger below and by nobody else.
CREATE TABLE transfer_reversal (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  request_id text NOT NULL,
  original_request_id text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  PRIMARY KEY (request_id, ifi_id, environment, fintech_id),
  FOREIGN KEY (request_id, ifi_id, environment, fintech_id) REFERENCES transfer (request_id, ifi_id, environment, fintech_id),
  FOREIGN KEY (original_request_id, ifi_id, environment, fintech_id) REFERENCES transfer (request_id, ifi_id, environment, fintech_id)
);
CREATE INDEX transfer_reversal_by_original ON transfer_reversal (original_request_id, ifi_id, environment, fintech_id);
GRANT SELECT ON transfer_reversal TO fusion_runtime;
CALL isolate_by_tenant('transfer_reversal');

-- What a transfer with a reversal code would undo, how much that moved and how much of it was reversed before; no row for nothing. The
-- original went the other way under the code without -REVERSAL. The attributes may name it (originalTransferID, originalRequestID);
-- else it is the newest among the last 1,000 movements of the account with enough left, or, where none has, the newest.
CREATE FUNCTION reversal_original(ifi bigint, env environment, fintech uuid, debit uuid, credit uuid, code text, code_currency text,
  wanted bigint, attributes jsonb)
RETURNS TABLE (original_request_id text, moved bigint, reversed bigint) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  named text := coalesce(attributes ->> 'originalRequestID',
    coalesce(substring(attributes ->> 'originalTransferID' FROM '^[0-9]{17}_[0-9]{1,19}_(.+)$'),
      CASE WHEN attributes ->> 'originalTransferID' IS NOT NULL THEN '' END));
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
        ORDER BY p.sequence DESC LIMIT 1000) p
      CROSS JOIN LATERAL (
        SELECT * FROM transfer t WHERE t.transfer_number = p.transfer_number AND t.ifi_id = ifi AND t.environment = env
          AND t.fintech_id = fintech OFFSET 0) t) t
    WHERE t.kind = 'transfer' AND t.debit_account_id = credit AND t.credit_account_id = debit AND t.currency = code_currency
      AND t.transfer_code || '-REVERSAL' = code AND t.transfer_code NOT LIKE '%-REVERSAL') found
  ORDER BY found.amount - found.reversed >= wanted DESC, found.debit_sequence DESC LIMIT 1;
END $$;
GRANT EXECUTE ON FUNCTION reversal_original TO fusion_runtime;

-- A transfer whose code ends in -REVERSAL undoes another and never more of it than is left, whoever inserts it. The original is locked
-- before its reversals are counted. Other transfers do not get here, and pay nothing for it.
CREATE FUNCTION record_reversal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  original record;
  counted bigint;
BEGIN
  SELECT * INTO original FROM reversal_original(NEW.ifi_id, NEW.environment, NEW.fintech_id, NEW.debit_account_id,
    NEW.credit_account_id, NEW.transfer_code, NEW.currency, NEW.amount, NEW.attributes);
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
REVOKE EXECUTE ON FUNCTION record_reversal FROM PUBLIC;
CREATE TRIGGER reversals_are_bounded AFTER INSERT ON transfer FOR EACH ROW WHEN (NEW.transfer_code LIKE '%-REVERSAL')
  EXECUTE FUNCTION record_reversal();

-- As for post_transfers(): the owner is bound by row-level security too where it is not a superuser.
CREATE POLICY reversal_engine ON transfer TO CURRENT_USER USING (true);
CREATE POLICY reversal_engine ON transfer_reversal TO CURRENT_USER USING (true);

-- Whom an account holder pays elsewhere.
CREATE TABLE beneficiary (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  account_holder_id uuid NOT NULL,
  beneficiary_id uuid NOT NULL,
  -- As shown: the caller's, or made.
  request_id text NOT NULL,
  -- Type, names, gender, relationship, as they were sent.
  details jsonb NOT NULL CHECK (jsonb_typeof(details) = 'object'),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, account_holder_id, beneficiary_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, account_holder_id) REFERENCES account_holder_association
);
GRANT SELECT, INSERT ON beneficiary TO fusion_runtime;
CALL isolate_by_tenant('beneficiary');

-- A bank account or UPI address of a beneficiary; once for each account holder.
CREATE TABLE beneficiary_account (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  account_holder_id uuid NOT NULL,
  beneficiary_id uuid NOT NULL,
  beneficiary_account_id uuid NOT NULL,
  request_id text NOT NULL,
  -- The number or address, which can be recognised by the keyed hash.
  sealed bytea NOT NULL,
  lookup bytea NOT NULL CHECK (octet_length(lookup) = 32),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, account_holder_id, beneficiary_id, beneficiary_account_id),
  CONSTRAINT beneficiary_account_once UNIQUE (ifi_id, environment, fintech_id, account_holder_id, lookup),
  FOREIGN KEY (ifi_id, environment, fintech_id, account_holder_id, beneficiary_id) REFERENCES beneficiary
);
GRANT SELECT, INSERT ON beneficiary_account TO fusion_runtime;
CALL isolate_by_tenant('beneficiary_account');

-- What a fintech wants of an account holder's transactions.
CREATE TABLE transaction_policy (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  account_holder_id uuid NOT NULL,
  policy_id uuid NOT NULL,
  request_id text,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
  -- contract/src/fusion/holder-services.ts, PolicyRules.
  rules jsonb NOT NULL CHECK (jsonb_typeof(rules) = 'object'),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, account_holder_id, policy_id),
  CONSTRAINT transaction_policy_name UNIQUE (ifi_id, environment, fintech_id, account_holder_id, name),
  FOREIGN KEY (ifi_id, environment, fintech_id, account_holder_id) REFERENCES account_holder_association
);
GRANT SELECT, INSERT ON transaction_policy TO fusion_runtime;
CALL isolate_by_tenant('transaction_policy');
