-- What limits a batch's accounts is read without looking the accounts up again: begin_transfer_batch has just had them.

DROP FUNCTION read_limits;
-- What limits the locked accounts, for begin_transfer_batch, which tells their positions, bundles, products, holders, and whether they never
-- counted. Locks what is counted for their holders, in the order of the holders; without `waits` it names in `held` the accounts of those that
-- another transaction has locked.
--
-- `days`: the local day of each tenant's bank. `products`: the accounts of each account product that has rules, and what those that never
-- counted have moved. `holders`: the accounts of each holder that has rules, what is used of them (null where nothing is counted).
CREATE FUNCTION read_limits(waits boolean, at timestamptz, ifis bigint[], environments text[], fintechs uuid[],
  account_tenants int[], account_ids uuid[],
  locked int[], account_bundles uuid[], account_products text[], account_holders uuid[], never_counted boolean[])
RETURNS json LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  counts CONSTANT jsonpath := '$.limits[*] ? (@.period != "TRANSACTION")';
  zones text[];
  days date[];
  products json;
  tenants_with_holder_rules int[];
  holder_tenants int[];
  holder_ids uuid[];
  holder_accounts json[];
  holder_rules json[];
  holder_counted boolean[];
  holder_usages text[];
  holder_versions bigint[];
  held int[] := '{}';
  found record;
BEGIN
  SELECT array_agg(z.zone ORDER BY t.position), array_agg((at AT TIME ZONE z.zone)::date ORDER BY t.position) INTO zones, days
  FROM unnest(ifis) WITH ORDINALITY AS t (i, position)
  CROSS JOIN LATERAL (SELECT ifi.time_zone AS zone FROM ifi WHERE ifi.ifi_id = t.i OFFSET 0) z;

  SELECT json_agg(json_build_object('accounts', g.accounts, 'name', p.product_name, 'rules', p.rules, 'usages',
    CASE WHEN g.uncounted IS NOT NULL AND jsonb_path_exists(p.rules, counts) THEN (
      SELECT json_object_agg(u, count_usage(ifis[g.tenant], environments[g.tenant], fintechs[g.tenant], ARRAY[account_ids[u]],
        days[g.tenant], zones[g.tenant])::text)
      FROM unnest(g.uncounted) u) END))
  INTO products
  FROM (
    SELECT account_tenants[l.position] AS tenant, l.bundle_id, l.product_id, array_agg(l.position) AS accounts,
      array_agg(l.position) FILTER (WHERE l.uncounted) AS uncounted
    FROM unnest(locked, account_bundles, account_products, never_counted) AS l (position, bundle_id, product_id, uncounted)
    WHERE l.bundle_id IS NOT NULL
    GROUP BY 1, 2, 3) g
  CROSS JOIN LATERAL (
    SELECT p.product_name, p.rules FROM account_product p
    WHERE p.ifi_id = ifis[g.tenant] AND p.environment = environments[g.tenant] AND p.fintech_id = fintechs[g.tenant]
      AND p.bundle_id = g.bundle_id AND p.product_id = g.product_id AND p.rules IS NOT NULL OFFSET 0) p;

  -- Of a fintech that limits no holder, no holder is asked about.
  tenants_with_holder_rules := ARRAY(
    SELECT t.position::int FROM unnest(ifis, environments, fintechs) WITH ORDINALITY AS t (i, e, f, position)
    WHERE EXISTS (SELECT FROM kyc_limit k WHERE k.ifi_id = t.i AND k.environment = t.e)
      OR EXISTS (SELECT FROM transaction_policy p WHERE p.ifi_id = t.i AND p.environment = t.e AND p.fintech_id = t.f));
  SELECT array_agg(h.tenant), array_agg(h.holder), array_agg(h.accounts), array_agg(h.rules), array_agg(h.counted)
  INTO holder_tenants, holder_ids, holder_accounts, holder_rules, holder_counted
  FROM (
    SELECT g.tenant, g.holder, to_json(g.accounts) AS accounts, r.rules, r.counted
    FROM (
      SELECT account_tenants[l.position] AS tenant, l.holder, array_agg(l.position) AS accounts
      FROM unnest(locked, account_holders) AS l (position, holder)
      WHERE l.holder IS NOT NULL AND account_tenants[l.position] = ANY (tenants_with_holder_rules)
      GROUP BY 1, 2) g
    CROSS JOIN LATERAL (
      SELECT json_agg(json_build_object('source', r.source, 'name', r.name, 'rules', r.rules) ORDER BY r.source, r.name) AS rules,
        bool_or(jsonb_path_exists(r.rules, counts)) AS counted
      FROM (
        SELECT 'kyc' AS source, k.kyc_status AS name, k.rules
        FROM account_holder_association h
        CROSS JOIN LATERAL (
          SELECT k.kyc_status, k.rules FROM kyc_limit k
          WHERE k.ifi_id = h.ifi_id AND k.environment = h.environment
            AND k.kyc_status = CASE WHEN h.kyc_expires_at <= at THEN h.kyc_status_post_expiry ELSE h.kyc_status END OFFSET 0) k
        WHERE h.ifi_id = ifis[g.tenant] AND h.environment = environments[g.tenant] AND h.fintech_id = fintechs[g.tenant]
          AND h.account_holder_id = g.holder
        UNION ALL
        SELECT 'policy', p.name, p.rules FROM transaction_policy p
        WHERE p.ifi_id = ifis[g.tenant] AND p.environment = environments[g.tenant] AND p.fintech_id = fintechs[g.tenant]
          AND p.account_holder_id = g.holder) r) r
    WHERE r.rules IS NOT NULL
    ORDER BY ifis[g.tenant], environments[g.tenant], fintechs[g.tenant], g.holder) h;

  IF true = ANY (holder_counted) THEN
    holder_usages := array_fill(NULL::text, ARRAY[cardinality(holder_ids)]);
    holder_versions := array_fill(NULL::bigint, ARRAY[cardinality(holder_ids)]);
    FOR found IN
      SELECT asked.position::int AS position, asked.tenant, asked.id, u.usage::text AS usage, u.version, u.locked
      FROM unnest(holder_tenants, holder_ids, holder_counted) WITH ORDINALITY AS asked (tenant, id, counted, position)
      LEFT JOIN LATERAL lock_holder_usage(waits, ifis[asked.tenant], environments[asked.tenant], fintechs[asked.tenant], asked.id,
        days[asked.tenant], zones[asked.tenant]) u ON true
      WHERE asked.counted ORDER BY asked.position
    LOOP
      IF found.locked IS NULL THEN
        held := held || ARRAY(SELECT json_array_elements_text(holder_accounts[found.position])::int);
      ELSE
        holder_usages[found.position] := found.usage;
        holder_versions[found.position] := found.version;
      END IF;
    END LOOP;
  END IF;

  RETURN json_build_object(
    'days', (SELECT json_agg(d - date '1970-01-01' ORDER BY position) FROM unnest(days) WITH ORDINALITY AS t (d, position)),
    'products', products,
    'holders', (SELECT json_agg(json_build_object('tenant', h.tenant, 'holder', h.holder, 'accounts', h.accounts, 'rules', h.rules,
        'usage', holder_usages[h.position], 'version', holder_versions[h.position]::text))
      FROM unnest(holder_tenants, holder_ids, holder_accounts, holder_rules) WITH ORDINALITY AS h (tenant, holder, accounts, rules, position)),
    'held', held);
END $$;
GRANT EXECUTE ON FUNCTION read_limits TO fusion_runtime;

-- begin_transfer_batch of migration 0015.
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
          coalesce(encode(a.head, 'hex'), '-'), coalesce(a.account_holder_id::text, '-'), coalesce(a.usage::text, '-')) AS line
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
          coalesce(encode(a.head, 'hex'), '-'), coalesce(a.account_holder_id::text, '-'), coalesce(a.usage::text, '-')) AS line
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
GRANT EXECUTE ON FUNCTION begin_transfer_batch TO fusion_runtime;
