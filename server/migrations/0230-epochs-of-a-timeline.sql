-- Widening: older releases do not know it.
--
-- A server that is promoted counts epochs from a number on that the primary before it cannot have come to, so that none is ever given to two changes, and a
-- primary that was overtaken but still answers shows a smaller one. A million million to a timeline, which PostgreSQL raises at each promotion; up to
-- 8,192 of them are exact in a double.
CREATE FUNCTION first_epoch() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT (('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint - 1) << 40
$$;
GRANT EXECUTE ON FUNCTION first_epoch TO fusion_runtime;

-- Called with each renewal: a node learns of a promotion although nothing was changed since. With the rights of its owner, as below.
CREATE FUNCTION enter_timeline() RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE narrowing_clock SET epoch = first_epoch() WHERE epoch < first_epoch()
$$;
REVOKE EXECUTE ON FUNCTION enter_timeline() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enter_timeline TO fusion_runtime;

CREATE OR REPLACE FUNCTION note_narrowing(changed text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  noted text := current_setting('fusion.narrowing_epoch', true);
BEGIN
  IF noted IS NULL OR noted = '' THEN
    UPDATE narrowing_clock SET epoch = greatest(epoch, first_epoch()) + 1 RETURNING epoch INTO noted;
    PERFORM set_config('fusion.narrowing_epoch', noted, true), pg_notify('fusion_narrowing', '');
  END IF;
  INSERT INTO narrowing (epoch, subject) VALUES (noted::bigint, changed) ON CONFLICT DO NOTHING;
END $$;
