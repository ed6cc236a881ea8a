-- Widening: older releases resume the reminders of a token on the day after its replacement was revoked.
--
-- Every sweep looks for replacements that were revoked since the day was planned: they are few, among many tokens.
CREATE INDEX token_revoked_replacement ON token (revoked_at) WHERE revoked_at IS NOT NULL AND replaces_token_id IS NOT NULL;
