-- Widening: older releases plan no revocations and carry none out; what is planned waits for a newer one.
--
-- A renewal leaves the old token working for an overlap that the person chose. One row for each renewal with such an overlap.
CREATE TABLE planned_revocation (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  -- The token that is to be revoked.
  token_id text NOT NULL,
  -- The token that was generated to renew it.
  replacement_id text NOT NULL,
  overlap text NOT NULL CHECK (overlap IN ('none', '1h', '24h', '7d')),
  counted_from text NOT NULL CHECK (counted_from IN ('now', 'first_use')),
  planned_at timestamptz NOT NULL,
  planned_by text NOT NULL REFERENCES console_user,
  -- What became of it, written once.
  outcome text CHECK (outcome IN ('revoked', 'kept', 'replacement_ended', 'token_ended')),
  decided_at timestamptz,
  PRIMARY KEY (ifi_id, environment, fintech_id, application_id, replacement_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id, token_id) REFERENCES token,
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id, replacement_id) REFERENCES token,
  CHECK ((outcome IS NULL) = (decided_at IS NULL))
);
CREATE INDEX planned_revocation_pending ON planned_revocation (token_id) WHERE outcome IS NULL;
-- Of the few revocations that are not certain yet, those that were planned are looked for every minute.
CREATE INDEX planned_revocation_by_token ON planned_revocation (token_id) WHERE outcome = 'revoked';
CREATE INDEX revocation_receipt_open ON revocation_receipt (token_id) WHERE effective_at IS NULL;
GRANT SELECT, INSERT, UPDATE (outcome, decided_at) ON planned_revocation TO fusion_runtime;
CALL isolate_by_tenant('planned_revocation');

-- Of a replacement and those that renewed it in turn: when one of them was first used, and whether one of them works at that instant.
CREATE FUNCTION use_of_replacement(replacement text, at timestamptz, OUT first_used_at timestamptz, OUT live boolean) LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH RECURSIVE line AS (
    SELECT token_id, revoked_at, expires_at FROM token WHERE token_id = replacement
    UNION ALL
    SELECT token.token_id, token.revoked_at, token.expires_at FROM token JOIN line ON token.replaces_token_id = line.token_id
  )
  SELECT min(used.first_used_at), coalesce(bool_or(line.revoked_at IS NULL AND line.expires_at > at), false)
  FROM line LEFT JOIN token_last_use AS used ON used.token_id = line.token_id;
END;

-- What is undecided at this moment. `due_at` is null until the replacement is used, where the overlap counts from then; `obsolete` is the
-- outcome of one that will not be carried out: the token has ended anyway, or its application would be left without one.
CREATE VIEW pending_revocation WITH (security_invoker = true) AS
SELECT plan.ifi_id, plan.environment, plan.fintech_id, plan.application_id, plan.token_id, plan.replacement_id, plan.overlap,
  plan.counted_from, plan.planned_by, planner.name AS planned_by_name,
  CASE plan.counted_from WHEN 'now' THEN plan.planned_at ELSE replacement.first_used_at END
    + CASE plan.overlap WHEN 'none' THEN interval '0' WHEN '1h' THEN interval '1 hour' WHEN '24h' THEN interval '24 hours'
      WHEN '7d' THEN interval '168 hours' END AS due_at,
  CASE WHEN token.revoked_at IS NOT NULL OR token.expires_at <= database_now() THEN 'token_ended'
    WHEN NOT replacement.live THEN 'replacement_ended' END AS obsolete
FROM planned_revocation AS plan
JOIN token USING (ifi_id, environment, fintech_id, application_id, token_id)
JOIN console_user AS planner ON planner.user_id = plan.planned_by
CROSS JOIN LATERAL use_of_replacement(plan.replacement_id, database_now()) AS replacement
WHERE plan.outcome IS NULL;
GRANT SELECT ON pending_revocation TO fusion_runtime;
