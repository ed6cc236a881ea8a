-- Widening: older releases do not know it.
--
-- The epoch of the latest narrowing, as of now and not as of the statement that asks: what the statement found behind a gate was perhaps
-- committed since it began.
CREATE FUNCTION latest_epoch() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT epoch FROM narrowing_clock';
GRANT EXECUTE ON FUNCTION latest_epoch TO fusion_runtime;
