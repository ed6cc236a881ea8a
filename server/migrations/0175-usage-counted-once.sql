-- Widening: older releases never look at it.
--
-- Which of its batches of counted calls each process has written, the last one. Written with the batch itself, so that a process to which no answer
-- came can try the batch again without counting it twice (tokens/usage-store.ts). One row for each process that counts, cleared away
-- when it has written nothing for a month.
CREATE TABLE usage_writer (
  writer_id uuid PRIMARY KEY,
  batch bigint NOT NULL,
  written_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_writer TO fusion_runtime;
