-- Widening: older releases do not look at what this adds, and bound each account of a holder alone, as before.
--
-- A maximum balance of a KYC level or a policy bounded each account of the holder, so that whoever had two could hold twice as much. It bounds
-- what all of them hold together, as the limits by period of the same rules do.

-- What all accounts of a holder with the fintech hold, by currency.
CREATE FUNCTION holder_balances(ifi bigint, env environment, fintech uuid, holder uuid) RETURNS json LANGUAGE sql STABLE
SET enable_seqscan = off AS $$
  SELECT json_object_agg(held.currency, held.balance::text) FROM (
    SELECT a.currency, sum(a.balance) AS balance FROM account a
    WHERE a.ifi_id = ifi AND a.environment = env AND a.account_holder_id = holder AND a.fintech_id = fintech
    GROUP BY a.currency) held
$$;
GRANT EXECUTE ON FUNCTION holder_balances TO fusion_runtime;

-- As in migration 0131, and for holders with a maximum balance, who are locked like those for whom something is counted, what they hold
-- (`balances`; null where no rule asks); policies that are disabled are left out. Whoever moves money of such a holder comes through here first,
-- reversals and whoever only receives too.
CREATE OR REPLACE FUNCTION read_limits(waits boolean, at timestamptz, ifis bigint[], environments text[], fintechs uuid[],
  account_tenants int[], account_ids uuid[],
  locked int[], account_bundles uuid[], account_products text[], account_holders uuid[], uncounted boolean[],
  counts_max bigint)
RETURNS json LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  counts CONSTANT jsonpath := '$.limits[*] ? (@.period != "TRANSACTION")';
  zones text[];
  days date[];
  product record;
  products json[] := '{}';
  usages jsonb;
  too_many int[];
  place int;
  counted record;
  tenants_with_holder_rules int[];
  holder_tenants int[];
  holder_ids uuid[];
  holder_accounts json[];
  holder_rules json[];
  holder_counts boolean[];
  holder_bounded boolean[];
  holder_held json[];
  holder_usages text[];
  holder_versions bigint[];
  holder_postings bigint[];
  holder_uncounted boolean[];
  held int[] := '{}';
  found record;
BEGIN
  SELECT array_agg(z.zone ORDER BY t.position), array_agg((at AT TIME ZONE z.zone)::date ORDER BY t.position) INTO zones, days
  FROM unnest(ifis) WITH ORDINALITY AS t (i, position)
  CROSS JOIN LATERAL (SELECT ifi.time_zone AS zone FROM ifi WHERE ifi.ifi_id = t.i OFFSET 0) z;

  FOR product IN
    SELECT g.tenant, g.accounts, p.product_name AS name, p.rules,
      CASE WHEN jsonb_path_exists(p.rules, counts) THEN g.uncounted END AS uncounted
    FROM (
      SELECT account_tenants[l.position] AS tenant, l.bundle_id, l.product_id, array_agg(l.position) AS accounts,
        array_agg(l.position) FILTER (WHERE l.uncounted) AS uncounted
      FROM unnest(locked, account_bundles, account_products, uncounted) AS l (position, bundle_id, product_id, uncounted)
      WHERE l.bundle_id IS NOT NULL
      GROUP BY 1, 2, 3) g
    CROSS JOIN LATERAL (
      SELECT p.product_name, p.rules FROM account_product p
      WHERE p.ifi_id = ifis[g.tenant] AND p.environment = environments[g.tenant] AND p.fintech_id = fintechs[g.tenant]
        AND p.bundle_id = g.bundle_id AND p.product_id = g.product_id AND p.rules IS NOT NULL OFFSET 0) p
  LOOP
    usages := '{}';
    too_many := '{}';
    FOREACH place IN ARRAY coalesce(product.uncounted, '{}') LOOP
      SELECT * INTO counted FROM account_usage(ifis[product.tenant], environments[product.tenant], fintechs[product.tenant],
        account_ids[place], days[product.tenant], zones[product.tenant], counts_max, true);
      counts_max := counts_max - counted.read;
      IF counted.covered = counted.postings THEN
        usages := usages || jsonb_build_object(place, counted.usage::text);
      ELSE
        too_many := too_many || place;
      END IF;
    END LOOP;
    products := products || json_build_object('accounts', product.accounts, 'name', product.name, 'rules', product.rules,
      'usages', usages, 'uncounted', too_many);
  END LOOP;

  -- Of a fintech that limits no holder, no holder is asked about.
  tenants_with_holder_rules := ARRAY(
    SELECT t.position::int FROM unnest(ifis, environments, fintechs) WITH ORDINALITY AS t (i, e, f, position)
    WHERE EXISTS (SELECT FROM kyc_limit k WHERE k.ifi_id = t.i AND k.environment = t.e)
      OR EXISTS (SELECT FROM transaction_policy p WHERE p.ifi_id = t.i AND p.environment = t.e AND p.fintech_id = t.f AND p.status = 'ENABLED'));
  SELECT array_agg(h.tenant), array_agg(h.holder), array_agg(h.accounts), array_agg(h.rules), array_agg(h.counts),
    array_agg(h.bounded)
  INTO holder_tenants, holder_ids, holder_accounts, holder_rules, holder_counts, holder_bounded
  FROM (
    SELECT g.tenant, g.holder, to_json(g.accounts) AS accounts, r.rules, r.counts, r.bounded
    FROM (
      SELECT account_tenants[l.position] AS tenant, l.holder, array_agg(l.position) AS accounts
      FROM unnest(locked, account_holders) AS l (position, holder)
      WHERE l.holder IS NOT NULL AND account_tenants[l.position] = ANY (tenants_with_holder_rules)
      GROUP BY 1, 2) g
    CROSS JOIN LATERAL (
      SELECT json_agg(json_build_object('source', r.source, 'name', r.name, 'rules', r.rules) ORDER BY r.source, r.name) AS rules,
        bool_or(jsonb_path_exists(r.rules, counts)) AS counts, bool_or(r.rules ? 'maximumBalance') AS bounded
      FROM (
        SELECT 'kyc' AS source, k.kyc_status AS name, k.rules
        FROM account_holder_association h
        CROSS JOIN LATERAL (
          SELECT k.kyc_status, k.rules FROM kyc_limit k
          WHERE k.ifi_id = h.ifi_id AND k.environment = h.environment
            AND k.kyc_status = ANY (ARRAY[
              upper(trim(CASE WHEN h.kyc_expires_at <= at THEN h.kyc_status_post_expiry ELSE h.kyc_status END)),
              CASE WHEN h.kyc_decided AND h.kyc_expires_at > at THEN NULL ELSE 'MINIMAL' END]) OFFSET 0) k
        WHERE h.ifi_id = ifis[g.tenant] AND h.environment = environments[g.tenant] AND h.fintech_id = fintechs[g.tenant]
          AND h.account_holder_id = g.holder
        UNION ALL
        SELECT 'policy', p.name, p.rules FROM transaction_policy p
        WHERE p.ifi_id = ifis[g.tenant] AND p.environment = environments[g.tenant] AND p.fintech_id = fintechs[g.tenant]
          AND p.account_holder_id = g.holder AND p.status = 'ENABLED') r) r
    WHERE r.rules IS NOT NULL
    ORDER BY ifis[g.tenant], environments[g.tenant], fintechs[g.tenant], g.holder) h;

  IF true = ANY (holder_counts || holder_bounded) THEN
    FOR found IN
      SELECT asked.position::int AS position, asked.tenant, asked.id, asked.counts, asked.bounded, u.usage, u.version, u.postings
      FROM unnest(holder_tenants, holder_ids, holder_counts, holder_bounded) WITH ORDINALITY AS asked (tenant, id, counts, bounded, position)
      LEFT JOIN LATERAL lock_holder_usage(waits, ifis[asked.tenant], environments[asked.tenant], fintechs[asked.tenant], asked.id) u ON true
      WHERE asked.counts OR asked.bounded ORDER BY asked.position
    LOOP
      IF found.version IS NULL THEN
        held := held || ARRAY(SELECT json_array_elements_text(holder_accounts[found.position])::int);
        CONTINUE;
      END IF;
      -- All asked behind the lock, so that whatever others moved is there.
      IF found.bounded THEN
        holder_held[found.position] := holder_balances(ifis[found.tenant], environments[found.tenant], fintechs[found.tenant], found.id);
      END IF;
      CONTINUE WHEN NOT found.counts;
      IF found.postings <> holder_posting_count(ifis[found.tenant], environments[found.tenant], fintechs[found.tenant], found.id) THEN
        SELECT * INTO counted FROM holder_usage_anew(ifis[found.tenant], environments[found.tenant], fintechs[found.tenant], found.id,
          days[found.tenant], zones[found.tenant], counts_max);
        counts_max := counts_max - counted.read;
        found.usage := counted.usage;
        found.postings := counted.postings;
        holder_uncounted[found.position] := counted.usage IS NULL;
      END IF;
      holder_usages[found.position] := found.usage::text;
      holder_versions[found.position] := found.version;
      holder_postings[found.position] := found.postings;
    END LOOP;
  END IF;

  RETURN json_build_object(
    'days', (SELECT json_agg(d - date '1970-01-01' ORDER BY position) FROM unnest(days) WITH ORDINALITY AS t (d, position)),
    'products', array_to_json(products),
    'holders', (SELECT json_agg(json_build_object('tenant', h.tenant, 'holder', h.holder, 'accounts', h.accounts, 'rules', h.rules,
        'usage', holder_usages[h.position], 'version', holder_versions[h.position]::text, 'postings', holder_postings[h.position]::text,
        'uncounted', coalesce(holder_uncounted[h.position], false), 'balances', holder_held[h.position]))
      FROM unnest(holder_tenants, holder_ids, holder_accounts, holder_rules) WITH ORDINALITY AS h (tenant, holder, accounts, rules, position)),
    'held', held);
END $$;
