-- Widening: older releases do not look at what this adds at a line's end, and sign as before.
--
-- The program signs the head that an account gets with a posting. It did so whatever stood there before: after somebody had added a transfer or
-- changed an account in the database, the next real transfer signed that as well, and `ledger verify` found nothing any more. So a batch is also
-- told the signature that stands there, and a head that follows an unsigned one is not signed.

-- As in migration 0131, but for the signature of each account's head.
CREATE OR REPLACE FUNCTION begin_transfer_batch(
  waits boolean, at timestamptz,
  ifis bigint[], environments text[], fintechs uuid[],
  token_tenants int[], applications text[], tokens text[],
  account_tenants int[], account_ids uuid[],
  request_tenants int[], request_ids text[],
  counts_max bigint DEFAULT 1000000000
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
  uncounted boolean[];
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
    INTO locked, accounts, account_bundles, account_products, account_holders, uncounted FROM (
      SELECT asked.position::int AS position, a.bundle_id, a.product_id, a.account_holder_id AS holder, a.usage IS NULL OR a.usage_postings <> a.posting_count AS uncounted,
        concat_ws(' ', asked.position, a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count,
          coalesce(encode(a.head, 'hex'), '-'), coalesce(a.account_holder_id::text, '-'), CASE WHEN a.usage_postings = a.posting_count THEN coalesce(a.usage, '-') ELSE '-' END,
          coalesce(encode(a.head_signature, 'hex'), '-')) AS line
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
    INTO locked, accounts, account_bundles, account_products, account_holders, uncounted FROM (
      SELECT asked.position::int AS position, a.bundle_id, a.product_id, a.account_holder_id AS holder, a.usage IS NULL OR a.usage_postings <> a.posting_count AS uncounted,
        concat_ws(' ', asked.position, a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count,
          coalesce(encode(a.head, 'hex'), '-'), coalesce(a.account_holder_id::text, '-'), CASE WHEN a.usage_postings = a.posting_count THEN coalesce(a.usage, '-') ELSE '-' END,
          coalesce(encode(a.head_signature, 'hex'), '-')) AS line
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
      account_holders, uncounted, counts_max);
  END IF;

  SELECT json_agg(json_build_object('tenant', asked.tenant, 'transfer', transfer_json(t))) INTO transfers
  FROM unnest(request_tenants, request_ids) AS asked (tenant, id)
  CROSS JOIN LATERAL (
    SELECT * FROM transfer t WHERE t.request_id = asked.id AND t.ifi_id = ifis[asked.tenant]
      AND t.environment = environments[asked.tenant] AND t.fintech_id = fintechs[asked.tenant] OFFSET 0) t;
  RETURN NEXT;
END $$;
