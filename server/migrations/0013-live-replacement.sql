-- A revoked replacement holds nothing, whatever instant is asked about: a revocation is final and stamped by the database's clock, while
-- `at` is a process's, which may be behind it. Replaces the function of migration 0004, which compared the two.
CREATE OR REPLACE FUNCTION live_replacement(renewed text, at timestamptz) RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH RECURSIVE descendant AS (
    SELECT token_id, created_at, revoked_at, expires_at FROM token WHERE replaces_token_id = renewed
    UNION ALL
    SELECT token.token_id, token.created_at, token.revoked_at, token.expires_at
    FROM token JOIN descendant ON token.replaces_token_id = descendant.token_id
  )
  SELECT token_id FROM descendant
  WHERE created_at <= at AND revoked_at IS NULL AND expires_at > at
  ORDER BY created_at DESC, token_id DESC LIMIT 1;
END;
