-- Moving money costs the database half of what it did: one look-up fewer for each account, and no table of the new rows for a trigger.

-- An account is found by its id alone; the other columns of the key are compared afterwards.
CREATE UNIQUE INDEX account_by_id ON account (account_id);

DROP TRIGGER transfers_are_told ON transfer;
DROP FUNCTION record_transfer_events;

-- post_transfers of migration 0015, with the same rules and arguments: each account is moved by one statement, which answers what the rest is
-- checked against, and the events of webhooks are noted here.
CREATE OR REPLACE FUNCTION post_transfers(
  ifis bigint[], environments text[], fintechs uuid[], at timestamptz,
  tenants int[], request_ids text[], kinds text[], debit_accounts int[], credit_accounts int[], amounts bigint[], currencies text[],
  transfer_codes text[], remarks text[], attributes text[], debit_sequences bigint[], credit_sequences bigint[], requested_by text[],
  posting_hashes bytea, account_tenants int[], account_ids uuid[], account_seals bytea, usages text[],
  holder_tenants int[], holder_ids uuid[], holder_versions bigint[], holder_usages text[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  transfer_numbers bigint[];
  -- Of each account: what stood before, and what its postings must respect.
  balances bigint[];
  floors bigint[];
  account_currencies text[];
  -- Whether a transfer of any kind may touch it.
  open_to_all boolean[];
  enabled boolean;
  posted bigint;
  unsupported boolean;
  applied bigint;
BEGIN
  IF NOT sees_everything() AND EXISTS (
    SELECT FROM unnest(ifis, environments, fintechs) AS tenant (i, e, f) WHERE i || '/' || e || '/' || f <> ALL (visible_tenants()))
  THEN
    RAISE EXCEPTION 'This transaction does not work for that tenant.' USING ERRCODE = 'insufficient_privilege';
  END IF;

  -- From its last posting to its newest, and only if the new ones continue the old without a gap and end above the floor. The row is locked
  -- here; if it has changed since the statement began its posting_count has too, and all is refused.
  WITH account_moved AS MATERIALIZED (
    SELECT l.account, sum(l.amount) AS amount, count(*) AS postings, min(l.sequence) AS first_sequence, max(l.sequence) AS last_sequence
    FROM (
      SELECT * FROM unnest(debit_accounts, debit_sequences, amounts) AS debit (account, sequence, outgoing)
      CROSS JOIN LATERAL (SELECT -outgoing AS amount) signed
      UNION ALL
      SELECT *, incoming FROM unnest(credit_accounts, credit_sequences, amounts) AS credit (account, sequence, incoming)) l
    GROUP BY l.account
  ), account_applied AS (
    UPDATE account a SET balance = a.balance + m.amount, posting_count = m.last_sequence,
      head = substring(account_seals FROM m.account * 64 - 63 FOR 32), head_signature = substring(account_seals FROM m.account * 64 - 31 FOR 32),
      usage = coalesce(nullif(usages[m.account], '')::bigint[], a.usage)
    FROM account_moved m
    WHERE a.account_id = account_ids[m.account] AND a.ifi_id = ifis[account_tenants[m.account]]
      AND a.environment = environments[account_tenants[m.account]] AND a.fintech_id = fintechs[account_tenants[m.account]]
      AND m.first_sequence = a.posting_count + 1 AND m.last_sequence = a.posting_count + m.postings AND a.balance + m.amount >= a.floor
    RETURNING m.account, a.balance - m.amount AS balance, a.floor, a.currency, a.kind, a.status
  )
  SELECT array_agg(a.balance ORDER BY a.account), array_agg(a.floor ORDER BY a.account), array_agg(a.currency ORDER BY a.account),
    array_agg(a.kind <> 'settlement' ORDER BY a.account), bool_and(a.status = 'ENABLED'), count(*)
  INTO balances, floors, account_currencies, open_to_all, enabled, applied
  FROM account_applied a;
  IF applied <> cardinality(account_ids) THEN
    RAISE EXCEPTION 'A transfer names an account of another tenant, would leave a gap in an account''s postings, or take it below its floor.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_continues_accounts';
  END IF;

  transfer_numbers := ARRAY(SELECT nextval('transfer_transfer_number_seq') FROM generate_series(1, cardinality(request_ids)));
  WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(transfer_numbers, tenants, request_ids, kinds, debit_accounts, credit_accounts, amounts, currencies, transfer_codes,
      remarks, attributes, debit_sequences, credit_sequences, requested_by) WITH ORDINALITY
      AS row (transfer_number, tenant, request_id, kind, debit, credit, amount, currency, code, remark, attribute, debit_sequence,
        credit_sequence, requester, position)
  ), made AS (
    INSERT INTO transfer (ifi_id, environment, fintech_id, transfer_number, request_id, kind, debit_account_id, credit_account_id, amount,
      currency, transfer_code, remarks, attributes, debit_sequence, credit_sequence, requested_by, posted_at)
    OVERRIDING SYSTEM VALUE
    SELECT ifis[a.tenant], environments[a.tenant], fintechs[a.tenant], a.transfer_number, a.request_id, a.kind, account_ids[a.debit],
      account_ids[a.credit], a.amount, a.currency, a.code, a.remark, a.attribute::json, a.debit_sequence, a.credit_sequence, a.requester, at
    FROM asked a
  ), leg AS MATERIALIZED (
    SELECT l.*, balances[l.account] + sum(l.amount) OVER (PARTITION BY l.account ORDER BY l.sequence) AS balance_after
    FROM (
      SELECT tenant, transfer_number, debit AS account, debit_sequence AS sequence, -amount AS amount,
        substring(posting_hashes FROM position::int * 64 - 63 FOR 32) AS hash, kind, currency FROM asked
      UNION ALL
      SELECT tenant, transfer_number, credit, credit_sequence, amount,
        substring(posting_hashes FROM position::int * 64 - 31 FOR 32), kind, currency FROM asked) l
    WHERE account_tenants[l.account] = l.tenant AND account_currencies[l.account] = l.currency
      AND (open_to_all[l.account] OR l.kind = 'funding')
  ), posted_leg AS (
    INSERT INTO posting (ifi_id, environment, fintech_id, account_id, sequence, transfer_number, amount, balance_after, posted_at, hash)
    SELECT ifis[l.tenant], environments[l.tenant], fintechs[l.tenant], account_ids[l.account], l.sequence, l.transfer_number, l.amount,
      l.balance_after, at, l.hash
    FROM leg l
  )
  SELECT count(*), bool_or(l.balance_after < floors[l.account]) INTO posted, unsupported FROM leg l;
  IF NOT enabled OR posted <> 2 * cardinality(request_ids) THEN
    RAISE EXCEPTION 'A transfer names an account of another tenant or currency, a disabled one, or the bank''s own.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_accounts_fit';
  END IF;
  -- Between two postings, too.
  IF unsupported THEN
    RAISE EXCEPTION 'A transfer would take an account below its floor.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_continues_accounts';
  END IF;

  IF cardinality(holder_ids) > 0 THEN
    UPDATE holder_usage h SET usage = counted.usage::bigint[], version = h.version + 1
    FROM unnest(holder_tenants, holder_ids, holder_versions, holder_usages) AS counted (tenant, id, version, usage)
    WHERE h.ifi_id = ifis[counted.tenant] AND h.environment = environments[counted.tenant] AND h.fintech_id = fintechs[counted.tenant]
      AND h.account_holder_id = counted.id AND h.version = counted.version;
    GET DIAGNOSTICS applied = ROW_COUNT;
    IF applied <> cardinality(holder_ids) THEN
      RAISE EXCEPTION 'What a holder has used of its limits has changed meanwhile.'
        USING ERRCODE = 'serialization_failure', CONSTRAINT = 'holder_usage_version';
    END IF;
  END IF;

  -- One row for each tenant, and none for a tenant that nobody listens to.
  INSERT INTO event_outbox (ifi_id, environment, fintech_id, name, transfer_numbers, occurred_at)
  SELECT ifis[listening.tenant], environments[listening.tenant], fintechs[listening.tenant], 'TRANSFER_CREATED',
    ARRAY(SELECT made.number FROM unnest(transfer_numbers, tenants) AS made (number, tenant) WHERE made.tenant = listening.tenant), at
  FROM generate_subscripts(ifis, 1) AS listening (tenant)
  WHERE listening.tenant = ANY (tenants) AND EXISTS (
    SELECT FROM webhook_endpoint e
    WHERE e.ifi_id = ifis[listening.tenant] AND e.environment = environments[listening.tenant]
      AND e.fintech_id = fintechs[listening.tenant]
      AND e.disabled_at IS NULL AND e.deleted_at IS NULL AND 'TRANSFER_CREATED' = ANY (e.events) OFFSET 0);
END $$;
