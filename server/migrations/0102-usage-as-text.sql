-- Widening: older releases call the same functions with the same arguments.
--
-- What an account has used of its limits is read and written with every transfer, by the program alone: as the text that it is read and
-- written in. Taking 21 numbers out of the text and writing them out again cost the database a seventh of a transfer. What was counted is
-- forgotten, and counted anew from the postings by the next transfer of each account.
ALTER TABLE account DROP COLUMN usage, ADD COLUMN usage text;
COMMENT ON COLUMN account.usage IS 'As limit_usage (holder_usage), in text. Null while nothing is counted.';
GRANT UPDATE (usage) ON account TO fusion_runtime;

-- begin_transfer_batch of migration 0053, post_transfers of migration 0052, with that text.
CREATE OR REPLACE FUNCTION begin_transfer_batch(
  waits boolean, at timestamptz,
  ifis bigint[], environments text[], fintechs uuid[],
  token_tenants int[], applications text[], tokens text[],
  account_tenants int[], account_ids uuid[],
  request_tenants int[], request_ids text[]
) RETURNS TABLE (refusals text, accounts text, held text, transfers json, limits json) LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  gate record;
  closed int[] := '{}';
  locked int[];
  -- Of the locked accounts.
  account_bundles uuid[];
  account_products text[];
  account_holders uuid[];
  never_counted boolean[];
BEGIN
  PERFORM set_config('idle_in_transaction_session_timeout', '1s', true),
    set_config('lock_timeout', CASE WHEN waits THEN '2s' ELSE '500ms' END, true);
  IF current_setting('server_version_num')::int >= 170000 THEN
    PERFORM set_config('transaction_timeout', '8s', true);
  ELSE
    PERFORM set_config('statement_timeout', '5s', true);
  END IF;

  FOR gate IN
    SELECT gate_key(i, f) AS key, array_agg(position::int) AS tenants
    FROM unnest(ifis, fintechs) WITH ORDINALITY AS t (i, f, position) GROUP BY key ORDER BY key
  LOOP
    IF waits THEN
      PERFORM pg_advisory_xact_lock_shared(gate.key);
    ELSIF NOT pg_try_advisory_xact_lock_shared(gate.key) THEN
      closed := closed || gate.tenants;
    END IF;
  END LOOP;

  IF cardinality(tokens) > 0 THEN
    SELECT string_agg(CASE WHEN asked.tenant = ANY (closed) THEN 'gate_closed' WHEN found.token_id IS NULL THEN 'token_unknown'
      ELSE coalesce(found.refusal, '-') END,
      ' ' ORDER BY asked.position)
    INTO refusals
    FROM unnest(token_tenants, applications, tokens) WITH ORDINALITY AS asked (tenant, application, token, position)
    LEFT JOIN LATERAL (
      SELECT token.token_id,
        token_refusal(token.revoked_at, token.expires_at, application.suspended_at, fintech.suspended_at) AS refusal
      FROM token JOIN application USING (ifi_id, environment, fintech_id, application_id) JOIN fintech USING (ifi_id, fintech_id)
      WHERE token.ifi_id = ifis[asked.tenant] AND token.environment = environments[asked.tenant]
        AND token.fintech_id = fintechs[asked.tenant] AND token.application_id = asked.application
        AND token.token_id = asked.token OFFSET 0) found ON true;
  END IF;

  IF waits THEN
    SELECT array_agg(row.position), string_agg(row.line, E'\n'), array_agg(row.bundle_id), array_agg(row.product_id),
      array_agg(row.holder), array_agg(row.uncounted)
    INTO locked, accounts, account_bundles, account_products, account_holders, never_counted FROM (
      SELECT asked.position::int AS position, a.bundle_id, a.product_id, a.account_holder_id AS holder, a.usage IS NULL AS uncounted,
        concat_ws(' ', asked.position, a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count,
          coalesce(encode(a.head, 'hex'), '-'), coalesce(a.account_holder_id::text, '-'), coalesce(a.usage, '-')) AS line
      FROM (
        SELECT t.position, ifis[t.tenant] AS ifi, environments[t.tenant] AS environment, fintechs[t.tenant] AS fintech, t.id
        FROM unnest(account_tenants, account_ids) WITH ORDINALITY AS t (tenant, id, position)
        ORDER BY ifi, environment, fintech, t.id) asked
      CROSS JOIN LATERAL (
        SELECT * FROM account a
        WHERE a.ifi_id = asked.ifi AND a.environment = asked.environment AND a.fintech_id = asked.fintech AND a.account_id = asked.id
        FOR NO KEY UPDATE) a) row;
  ELSE
    SELECT array_agg(row.position), string_agg(row.line, E'\n'), array_agg(row.bundle_id), array_agg(row.product_id),
      array_agg(row.holder), array_agg(row.uncounted)
    INTO locked, accounts, account_bundles, account_products, account_holders, never_counted FROM (
      SELECT asked.position::int AS position, a.bundle_id, a.product_id, a.account_holder_id AS holder, a.usage IS NULL AS uncounted,
        concat_ws(' ', asked.position, a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count,
          coalesce(encode(a.head, 'hex'), '-'), coalesce(a.account_holder_id::text, '-'), coalesce(a.usage, '-')) AS line
      FROM (
        SELECT t.position, ifis[t.tenant] AS ifi, environments[t.tenant] AS environment, fintechs[t.tenant] AS fintech, t.id
        FROM unnest(account_tenants, account_ids) WITH ORDINALITY AS t (tenant, id, position)
        WHERE t.tenant <> ALL (closed)
        ORDER BY ifi, environment, fintech, t.id) asked
      CROSS JOIN LATERAL (
        SELECT * FROM account a
        WHERE a.ifi_id = asked.ifi AND a.environment = asked.environment AND a.fintech_id = asked.fintech AND a.account_id = asked.id
        FOR NO KEY UPDATE SKIP LOCKED) a) row;
  END IF;
  IF coalesce(cardinality(locked), 0) < cardinality(account_ids) THEN
    SELECT string_agg(asked.position::text, ' ') INTO held
    FROM unnest(account_tenants, account_ids) WITH ORDINALITY AS asked (tenant, id, position)
    WHERE asked.position <> ALL (coalesce(locked, '{}'))
      AND EXISTS (SELECT FROM account a WHERE a.ifi_id = ifis[asked.tenant] AND a.environment = environments[asked.tenant]
        AND a.fintech_id = fintechs[asked.tenant] AND a.account_id = asked.id OFFSET 0);
  END IF;

  IF EXISTS (SELECT FROM unnest(ifis, environments, fintechs) AS t (i, e, f) WHERE
      EXISTS (SELECT FROM account_product p WHERE p.ifi_id = i AND p.environment = e AND p.fintech_id = f AND p.rules IS NOT NULL)
      OR EXISTS (SELECT FROM kyc_limit k WHERE k.ifi_id = i AND k.environment = e)
      OR EXISTS (SELECT FROM transaction_policy p WHERE p.ifi_id = i AND p.environment = e AND p.fintech_id = f))
  THEN
    limits := read_limits(waits, at, ifis, environments, fintechs, account_tenants, account_ids, locked, account_bundles, account_products,
      account_holders, never_counted);
  END IF;

  SELECT json_agg(json_build_object('tenant', asked.tenant, 'transfer', transfer_json(t))) INTO transfers
  FROM unnest(request_tenants, request_ids) AS asked (tenant, id)
  CROSS JOIN LATERAL (
    SELECT * FROM transfer t WHERE t.request_id = asked.id AND t.ifi_id = ifis[asked.tenant]
      AND t.environment = environments[asked.tenant] AND t.fintech_id = fintechs[asked.tenant] OFFSET 0) t;
  RETURN NEXT;
END $$;

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
      usage = coalesce(nullif(usages[m.account], ''), a.usage)
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
