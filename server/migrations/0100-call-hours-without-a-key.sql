-- Counters are written for tokens that were just read. Their foreign key locked the token's row for every new hour, which rewrote pages all over
-- a large table: about half of what recording the first use of a token wrote to the log. token_last_use, one row a token, keeps its own.
ALTER TABLE token_call_hour DROP CONSTRAINT token_call_hour_ifi_id_environment_fintech_id_application__fkey;
