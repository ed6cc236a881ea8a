-- Widening: the same answers.
--
-- As long as PostgreSQL had not looked at the table yet, it took this index, in which the bank comes first, for who has claimed an identity, too, and read all
-- claims of the bank for each.
DROP INDEX IF EXISTS account_holder_identity_by_holder;
