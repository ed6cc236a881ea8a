-- Accounts, transfers, postings: where money is, and how it got there.
--
-- The only way to move money is to insert rows into `transfer`. A trigger, running with the owner's rights, derives the two postings
-- of each and the new balances; the runtime role can write neither itself. So for every committed state, whatever the program does:
-- the postings of a transfer sum to zero, an account's balance is the sum of its postings, its postings are numbered 1, 2, 3, …
-- without a gap, and no balance is, or was between two postings, below its floor.

CREATE TABLE account (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  account_id uuid NOT NULL,
  -- 'customer' belongs to an account holder; 'funding' is the fintech's own, from which its customers are paid; 'settlement' stands
  -- for the bank's side, from which funding comes, so that everything sums to zero.
  kind text NOT NULL CHECK (kind IN ('customer', 'funding', 'settlement')),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 256),
  status text NOT NULL DEFAULT 'ENABLED' CHECK (status IN ('ENABLED', 'DISABLED')),
  account_holder_id uuid,
  bundle_id uuid,
  product_id text CHECK (char_length(product_id) <= 64),
  attributes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
  -- Minor units (paise).
  balance bigint NOT NULL DEFAULT 0,
  floor bigint NOT NULL DEFAULT 0,
  -- How many postings there are, which is the sequence of the last.
  posting_count bigint NOT NULL DEFAULT 0 CHECK (posting_count >= 0),
  created_at timestamptz NOT NULL,
  FOREIGN KEY (ifi_id, fintech_id) REFERENCES fintech,
  FOREIGN KEY (ifi_id, environment, account_holder_id) REFERENCES account_holder,
  CHECK (balance >= floor),
  -- Exact as a JSON number (2^53 - 1).
  CHECK (balance <= 9007199254740991 AND floor >= -9007199254740991),
  CHECK (CASE kind WHEN 'settlement' THEN floor <= 0 ELSE floor = 0 END),
  CHECK ((kind = 'customer') = (account_holder_id IS NOT NULL))
-- Room on each page for the next version of a row, so that a new balance touches no index.
) WITH (fillfactor = 50);
CREATE INDEX account_by_holder ON account (ifi_id, environment, account_holder_id, fintech_id, created_at, account_id)
  WHERE account_holder_id IS NOT NULL;
CREATE INDEX account_by_fintech ON account (ifi_id, environment, fintech_id, created_at, account_id);
CREATE UNIQUE INDEX account_settlement ON account (ifi_id, environment, fintech_id, currency) WHERE kind = 'settlement';
-- Last, so that it is the newest index: while a table has no statistics yet the planner finds all indexes equal, takes the newest, and
-- would otherwise scan all accounts of the tenant for each posting.
ALTER TABLE account ADD PRIMARY KEY (ifi_id, environment, fintech_id, account_id);
-- A new account starts empty, since balance and posting_count cannot be given. UPDATE of the name is what lets the program lock rows.
GRANT SELECT, UPDATE (name, status) ON account TO fusion_runtime;
GRANT INSERT (ifi_id, environment, fintech_id, account_id, kind, currency, name, status, account_holder_id, bundle_id, product_id,
  attributes, floor, created_at) ON account TO fusion_runtime;
CALL isolate_by_tenant('account');

-- What a caller asked for and got. A row is at once the idempotency record of its request id, kept for ever. Refused transfers leave
-- no row, so a retry with the same request id succeeds once there is money.
CREATE TABLE transfer (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  -- Never shown: it would tell a fintech how much the others move.
  transfer_number bigint GENERATED ALWAYS AS IDENTITY,
  request_id text NOT NULL CHECK (char_length(request_id) BETWEEN 1 AND 256),
  -- Only 'funding' may touch a settlement account.
  kind text NOT NULL DEFAULT 'transfer' CHECK (kind IN ('transfer', 'funding')),
  debit_account_id uuid NOT NULL,
  credit_account_id uuid NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  currency text NOT NULL,
  transfer_code text NOT NULL CHECK (char_length(transfer_code) BETWEEN 1 AND 128),
  remarks text NOT NULL DEFAULT '',
  attributes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
  -- Which posting of each account is this transfer's: since (account, sequence) is unique, no transfer can be posted twice.
  debit_sequence bigint NOT NULL,
  credit_sequence bigint NOT NULL,
  -- The token or person on whose authority it happened.
  requested_by text NOT NULL,
  posted_at timestamptz NOT NULL,
  -- Both led by what tells the rows apart, so that neither can be taken for the other's question.
  PRIMARY KEY (transfer_number, ifi_id, environment, fintech_id),
  CONSTRAINT transfer_request UNIQUE (request_id, ifi_id, environment, fintech_id),
  CHECK (debit_account_id <> credit_account_id),
  -- Composite, so that both accounts are of the transfer's own tenant.
  FOREIGN KEY (ifi_id, environment, fintech_id, debit_account_id) REFERENCES account,
  FOREIGN KEY (ifi_id, environment, fintech_id, credit_account_id) REFERENCES account
);
GRANT SELECT, INSERT ON transfer TO fusion_runtime;
CALL isolate_by_tenant('transfer');

-- One debit (negative) or credit (positive) of one account. The balance before it is balance_after - amount. Append-only.
CREATE TABLE posting (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  account_id uuid NOT NULL,
  sequence bigint NOT NULL CHECK (sequence > 0),
  transfer_number bigint NOT NULL,
  amount bigint NOT NULL CHECK (amount <> 0),
  balance_after bigint NOT NULL,
  -- No foreign keys: post_transfers() alone writes here, from rows it has just matched, and nothing is ever deleted.
  posted_at timestamptz NOT NULL
);
CREATE INDEX posting_by_time ON posting (account_id, posted_at, sequence);
-- Last, for the same reason as account's.
ALTER TABLE posting ADD PRIMARY KEY (account_id, sequence, ifi_id, environment, fintech_id);
GRANT SELECT ON posting TO fusion_runtime;
CALL isolate_by_tenant('posting');

-- Set-based, once a statement however many transfers it inserts. Locks the accounts in the order of their ids (as
-- ledger/post.ts has already done), so that two statements never wait for each other in a circle.
-- Always one index lookup for each account, whatever the statistics say: a plan is kept for a connection's life.
CREATE FUNCTION post_transfers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  posted bigint;
  moved bigint;
  applied bigint;
BEGIN
  PERFORM FROM account a
    WHERE (a.ifi_id, a.environment, a.fintech_id, a.account_id) IN (
      SELECT f.ifi_id, f.environment, f.fintech_id, f.debit_account_id FROM fresh f
      UNION ALL SELECT f.ifi_id, f.environment, f.fintech_id, f.credit_account_id FROM fresh f)
    ORDER BY a.ifi_id, a.environment, a.fintech_id, a.account_id
    FOR NO KEY UPDATE;

  -- A second statement, since its snapshot is younger than the locks.
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
    FROM leg JOIN account a USING (ifi_id, environment, fintech_id, account_id)
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
-- Only the owner may hang it on a table: on a temporary one the runtime role could post, in any tenant, what no transfer says.
REVOKE EXECUTE ON FUNCTION post_transfers FROM PUBLIC;
CREATE TRIGGER transfers_are_posted AFTER INSERT ON transfer REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION post_transfers();

-- post_transfers() runs as the owner, which row-level security binds too where it is not a superuser. It touches only accounts of
-- transfers that the inserting role's own policy has let through.
CREATE POLICY posting_engine ON account TO CURRENT_USER USING (true);
CREATE POLICY posting_engine ON posting TO CURRENT_USER USING (true);

-- One round trip for what a batch of transfers needs to be decided: locks the accounts in the order of their ids, then, in a
-- statement whose snapshot is younger than the locks, reads them and the request ids that were used before. Numbers travel as text.
CREATE FUNCTION lock_for_transfers(ifi bigint, env environment, fintech uuid, account_ids uuid[], request_ids text[])
-- Planned once a connection: the planner would rather plan anew each time, which takes longer than all the rest.
RETURNS TABLE (accounts json, transfers json) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM FROM account a
    WHERE a.ifi_id = ifi AND a.environment = env AND a.fintech_id = fintech AND a.account_id = ANY (account_ids)
    ORDER BY a.account_id FOR NO KEY UPDATE;
  RETURN QUERY SELECT
    (SELECT json_agg(json_build_object('accountId', a.account_id, 'kind', a.kind, 'currency', a.currency, 'status', a.status,
        'balance', a.balance::text, 'floor', a.floor::text, 'postingCount', a.posting_count::text))
      FROM account a
      WHERE a.ifi_id = ifi AND a.environment = env AND a.fintech_id = fintech AND a.account_id = ANY (account_ids)),
    (SELECT json_agg(json_build_object('requestId', t.request_id, 'kind', t.kind, 'debitAccountId', t.debit_account_id,
        'creditAccountId', t.credit_account_id, 'amountMinor', t.amount::text, 'currency', t.currency,
        'transferCode', t.transfer_code, 'remarks', t.remarks, 'attributes', t.attributes,
        'debitSequence', t.debit_sequence::text, 'postedAt', t.posted_at))
      FROM transfer t
      WHERE t.ifi_id = ifi AND t.environment = env AND t.fintech_id = fintech AND t.request_id = ANY (request_ids));
END $$;
GRANT EXECUTE ON FUNCTION lock_for_transfers TO fusion_runtime;
