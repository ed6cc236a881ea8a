-- Widening: older releases do not ask by it.
--
-- Whoever finds a token somewhere knows its last characters: the Fusion team finds it by them among all tokens. Only this form of the question
-- can use an index below row-level security, since the comparison of texts is the one function in it that may run before the policy.
CREATE INDEX token_by_hint ON token (hint);
