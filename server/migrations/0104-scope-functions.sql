-- Widening: the same answers.
--
-- Row-level security asks these in every statement. As SQL functions they were written out into each plan, and reading them for that was a tenth to a
-- quarter of the time of a small statement; as these they are called.
CREATE OR REPLACE FUNCTION sees_everything() RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN coalesce(current_setting('fusion.scope', true), '') = 'system';
END $$;

CREATE OR REPLACE FUNCTION visible_tenants() RETURNS text[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN string_to_array(coalesce(current_setting('fusion.tenants', true), ''), ',');
END $$;

CREATE OR REPLACE FUNCTION visible_fintechs() RETURNS text[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN string_to_array(coalesce(current_setting('fusion.fintechs', true), ''), ',');
END $$;
