-- Transfers in batches (docs/decisions/0009): what many callers of many tenants ask for at one moment shares a transaction of two
-- round trips. The first opens it, the second writes everything that was decided and commits. Arrays run in parallel; `…_tenants` are
-- positions in the arrays of the tenants, from 1.

-- Takes the gates of the batch's tenants shared, then checks its tokens; locks its accounts in the order of their keys and reads them;
-- reads the transfers already made under its request ids.
--
-- Without `waits` nothing is waited for: a tenant whose gate is closed, and an account that another transaction has locked, are named
-- instead, so that nobody's revocation or long transaction holds up the others. PostgreSQL counts waiters too when a lock is only tried,
-- so a revocation that waits for the gate is not overtaken for ever.
--
-- PL/pgSQL, because each statement of a volatile function has a snapshot of its own: the tokens are read after their gates, the request
-- ids after the accounts. The accounts themselves come out of the statement that locks them, since a row is locked in its newest version.
--
-- `refusals`: one word for each token, `-` when it may write, `gate_closed` when that could not be learnt. `accounts`: one line for each
-- account that exists and is locked: its position, kind, currency, status, balance, floor, postings. `held`: positions of accounts that
-- exist and could not be locked. `transfers`: those found, as ledger/posted-transfer.ts reads them.
CREATE FUNCTION begin_transfer_batch(
  waits boolean,
  ifis bigint[], environments text[], fintechs uuid[],
  token_tenants int[], applications text[], tokens text[],
  account_tenants int[], account_ids uuid[],
  request_tenants int[], request_ids text[]
) RETURNS TABLE (refusals text, accounts text, held text, transfers json) LANGUAGE plpgsql VOLATILE
-- The plans are made once a connection. The lateral subqueries hold each to one index lookup for each thing asked; left to itself the
-- planner may read a whole table and compare each of its rows with the batch.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  gate record;
  closed int[] := '{}';
  locked int[];
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

  IF waits THEN
    SELECT array_agg(row.position), string_agg(row.line, E'\n') INTO locked, accounts FROM (
      SELECT asked.position::int AS position,
        concat_ws(' ', asked.position, a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count) AS line
      FROM (
        SELECT t.position, ifis[t.tenant] AS ifi, environments[t.tenant] AS environment, fintechs[t.tenant] AS fintech, t.id
        FROM unnest(account_tenants, account_ids) WITH ORDINALITY AS t (tenant, id, position)
        ORDER BY ifi, environment, fintech, t.id) asked
      CROSS JOIN LATERAL (
        SELECT a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count FROM account a
        WHERE a.ifi_id = asked.ifi AND a.environment = asked.environment AND a.fintech_id = asked.fintech AND a.account_id = asked.id
        FOR NO KEY UPDATE) a) row;
  ELSE
    SELECT array_agg(row.position), string_agg(row.line, E'\n') INTO locked, accounts FROM (
      SELECT asked.position::int AS position,
        concat_ws(' ', asked.position, a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count) AS line
      FROM (
        SELECT t.position, ifis[t.tenant] AS ifi, environments[t.tenant] AS environment, fintechs[t.tenant] AS fintech, t.id
        FROM unnest(account_tenants, account_ids) WITH ORDINALITY AS t (tenant, id, position)
        WHERE t.tenant <> ALL (closed)
        ORDER BY ifi, environment, fintech, t.id) asked
      CROSS JOIN LATERAL (
        SELECT a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count FROM account a
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

  SELECT json_agg(json_build_object('tenant', asked.tenant, 'requestId', t.request_id, 'kind', t.kind,
      'debitAccountId', t.debit_account_id, 'creditAccountId', t.credit_account_id, 'amountMinor', t.amount::text,
      'currency', t.currency, 'transferCode', t.transfer_code, 'remarks', t.remarks, 'attributes', t.attributes,
      'debitSequence', t.debit_sequence::text, 'postedAt', t.posted_at))
  INTO transfers
  FROM unnest(request_tenants, request_ids) AS asked (tenant, id)
  CROSS JOIN LATERAL (
    SELECT * FROM transfer t WHERE t.request_id = asked.id AND t.ifi_id = ifis[asked.tenant]
      AND t.environment = environments[asked.tenant] AND t.fintech_id = fintechs[asked.tenant] OFFSET 0) t;
  RETURN NEXT;
END $$;
GRANT EXECUTE ON FUNCTION begin_transfer_batch TO fusion_runtime;

-- Writes the batch's transfers, all or none. The rows come sorted by request id and tenant, so that two batches which insert some of the
-- same never wait for each other in a circle.
CREATE FUNCTION post_transfer_batch(
  ifis bigint[], environments text[], fintechs uuid[], at timestamptz,
  tenants int[], request_ids text[], debit_account_ids uuid[], credit_account_ids uuid[], amounts bigint[], currencies text[],
  transfer_codes text[], remarks text[], attributes jsonb[], debit_sequences bigint[], credit_sequences bigint[], requested_by text[]
) RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  INSERT INTO transfer (ifi_id, environment, fintech_id, request_id, debit_account_id, credit_account_id, amount, currency,
    transfer_code, remarks, attributes, debit_sequence, credit_sequence, requested_by, posted_at)
  SELECT ifis[row.tenant], environments[row.tenant], fintechs[row.tenant], row.request_id, row.debit, row.credit, row.amount,
    row.currency, row.code, row.remark, row.attribute, row.debit_sequence, row.credit_sequence, row.requester, at
  FROM unnest(tenants, request_ids, debit_account_ids, credit_account_ids, amounts, currencies, transfer_codes, remarks, attributes,
    debit_sequences, credit_sequences, requested_by)
    AS row (tenant, request_id, debit, credit, amount, currency, code, remark, attribute, debit_sequence, credit_sequence, requester);
END $$;
GRANT EXECUTE ON FUNCTION post_transfer_batch TO fusion_runtime;
