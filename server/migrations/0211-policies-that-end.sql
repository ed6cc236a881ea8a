-- Widening: older releases show every policy as enabled; what is disabled limits nothing there either.
--
-- A transaction policy could not be undone. Disabled, it limits nothing, and can be enabled again.
ALTER TABLE transaction_policy ADD COLUMN status text NOT NULL DEFAULT 'ENABLED' CHECK (status IN ('ENABLED', 'DISABLED'));
GRANT UPDATE (status) ON transaction_policy TO fusion_runtime;
