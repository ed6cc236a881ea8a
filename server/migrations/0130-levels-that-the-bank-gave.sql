-- Widening: older releases approve applications and leave out that it was the bank which did; such a holder keeps the limits of MINIMAL beside.
--
-- A KYC level that a fintech claims for its holder frees the holder of nothing (docs/decisions/0019): until the bank has approved it, and after
-- it has expired, the limits of MINIMAL apply beside those of the level.
ALTER TABLE account_holder_association ADD COLUMN kyc_decided boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN account_holder_association.kyc_decided IS 'Whether the bank approved the level; otherwise the fintech claims it.';
GRANT UPDATE (kyc_decided) ON account_holder_association TO fusion_runtime;

-- An owner that is no superuser sees the rows, too.
ALTER TABLE account_holder_association NO FORCE ROW LEVEL SECURITY;
ALTER TABLE holder_application NO FORCE ROW LEVEL SECURITY;
UPDATE account_holder_association h SET kyc_decided = true
WHERE EXISTS (
  SELECT FROM holder_application a
  WHERE a.ifi_id = h.ifi_id AND a.environment = h.environment AND a.fintech_id = h.fintech_id AND a.account_holder_id = h.account_holder_id
    AND a.status = 'APPROVED' AND a.decided_by IS NOT NULL);
ALTER TABLE account_holder_association FORCE ROW LEVEL SECURITY;
ALTER TABLE holder_application FORCE ROW LEVEL SECURITY;
