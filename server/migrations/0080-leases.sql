-- Leases: which processes may answer from memory, and what they must forget. docs/revocation.md tells the protocol.

-- One row: the number of the latest change to what a check of a token reads. Its row lock, taken last of all locks and held to the
-- commit, makes such changes commit in the order of their numbers.
CREATE TABLE narrowing_clock (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch bigint NOT NULL CHECK (epoch >= 0)
);
INSERT INTO narrowing_clock (epoch) VALUES (0);
GRANT SELECT ON narrowing_clock TO fusion_runtime;

-- What changed: a token (named by its hash, under which memories hold it), an application, or a fintech. Kept until every node knows it.
CREATE TABLE narrowing (
  epoch bigint NOT NULL,
  subject text NOT NULL,
  PRIMARY KEY (epoch, subject)
);
GRANT SELECT, DELETE ON narrowing TO fusion_runtime;

-- Notes a change under the transaction's epoch, which is taken when the first is noted; the nodes are told when it has committed. With the
-- rights of its owner: the program cannot move the epoch but by changing something.
CREATE FUNCTION note_narrowing(changed text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  noted text := current_setting('fusion.narrowing_epoch', true);
BEGIN
  IF noted IS NULL OR noted = '' THEN
    UPDATE narrowing_clock SET epoch = epoch + 1 RETURNING epoch INTO noted;
    PERFORM set_config('fusion.narrowing_epoch', noted, true), pg_notify('fusion_narrowing', '');
  END IF;
  INSERT INTO narrowing (epoch, subject) VALUES (noted::bigint, changed) ON CONFLICT DO NOTHING;
END $$;
REVOKE EXECUTE ON FUNCTION note_narrowing(text) FROM PUBLIC;

-- Any change to a row that a check reads is noted, whoever makes it: a use case, a migration, an operator with psql. Deferred to the
-- commit, so that the epoch's lock is the last. A narrowing is one in any case; that a widening is treated alike costs a look-up.
CREATE FUNCTION note_changed_token() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM note_narrowing('token/' || rtrim(translate(encode(OLD.secret_hash, 'base64'), '+/', '-_'), '='));
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER change_is_noted AFTER UPDATE OR DELETE ON token
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_changed_token();

CREATE FUNCTION note_changed_application() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM note_narrowing('application/' || OLD.application_id);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER change_is_noted AFTER UPDATE OR DELETE ON application
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_changed_application();

CREATE FUNCTION note_changed_fintech() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM note_narrowing('fintech/' || OLD.ifi_id || '/' || OLD.fintech_id);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER change_is_noted AFTER UPDATE OR DELETE ON fintech
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_changed_fintech();

-- The processes that hold tokens in memory. The times are for people; whether a lease holds is nobody's business but the node's own.
CREATE TABLE node (
  node_id text PRIMARY KEY,
  -- Machine and process, for people.
  name text NOT NULL CHECK (char_length(name) <= 200),
  started_at timestamptz NOT NULL,
  renewed_at timestamptz NOT NULL,
  -- Raised by each renewal, so that others can tell without any clock of the database that it goes on.
  renewals bigint NOT NULL DEFAULT 0,
  acknowledged_epoch bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON node TO fusion_runtime;
