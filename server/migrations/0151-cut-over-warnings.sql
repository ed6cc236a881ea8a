-- Widening: older releases cancel a cut-over warning that they send, as of a renewed token.
--
-- Who has renewed a token and forgotten to deploy the replacement is warned in the last days before the old one ends.
ALTER TABLE reminder DROP CONSTRAINT reminder_kind_check, ADD CONSTRAINT reminder_kind_check CHECK (kind IN ('expiry', 'cutover'));

-- Whether programs have yet to move to the replacements of a renewed token, as far as its use tells at that instant: it has live ones, and
-- none of them was ever used, or the renewed one was used since the first of them was made. False for a token that was not renewed.
CREATE FUNCTION cut_over_is_open(renewed text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH RECURSIVE descendant AS (
    SELECT token_id, created_at, revoked_at, expires_at FROM token WHERE replaces_token_id = renewed
    UNION ALL
    SELECT token.token_id, token.created_at, token.revoked_at, token.expires_at
    FROM token JOIN descendant ON token.replaces_token_id = descendant.token_id
  )
  SELECT coalesce(bool_and(used.first_used_at IS NULL OR used.first_used_at > at)
      OR (SELECT last_used_at FROM token_last_use WHERE token_id = renewed) > min(descendant.created_at), false)
  FROM descendant LEFT JOIN token_last_use AS used ON used.token_id = descendant.token_id
  WHERE descendant.created_at <= at AND descendant.revoked_at IS NULL AND descendant.expires_at > at;
END;
