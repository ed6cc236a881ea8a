-- Widening: older releases note only the first failure of a row of failures, and disable by its age alone.
--
-- When an endpoint failed last. A failure long after that begins to count anew: an endpoint that is told little fails once, is given up on, and is not failing
-- since then when it fails again weeks later.
ALTER TABLE webhook_endpoint ADD COLUMN failed_at timestamptz;
GRANT UPDATE (failed_at) ON webhook_endpoint TO fusion_runtime;
