// Fills the ledger with transfers of a fintech that takes no part in the measurement, to see what a large table costs the others.
import { randomUUID } from "node:crypto";
import pg from "pg";

/** Adds about `postings` postings (two per transfer), written directly as the owner, in books that balance. */
export async function addPostings(ownerUrl: string, postings: number): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  const [fintechId, accounts] = [randomUUID(), 1_000];
  const each = Math.ceil(postings / 2 / accounts);
  await client.query("SET session_replication_role = replica");
  await client.query(
    "INSERT INTO fintech (ifi_id, fintech_id, name, client_id, created_at) VALUES (140793, $1, 'Filler', 'filler-client', now())",
    [fintechId],
  );
  // Account n pays account n + 1, round a circle, so that each is debited and credited `each` times and ends where it began.
  await client.query(
    `INSERT INTO account (ifi_id, environment, fintech_id, account_id, kind, currency, name, floor, posting_count, created_at)
     SELECT 140793, 'sandbox', $1::text::uuid, md5($1::text || n)::uuid, 'funding', 'INR', 'Filler', 0, 2 * $2::int, now()
     FROM generate_series(0, $3::int - 1) n`,
    [fintechId, each, accounts],
  );
  // In chronological order, as real ones arrive.
  await client.query(
    `WITH made AS (
       INSERT INTO transfer (ifi_id, environment, fintech_id, request_id, debit_account_id, credit_account_id, amount, currency,
         transfer_code, attributes, debit_sequence, credit_sequence, requested_by, posted_at)
       SELECT 140793, 'sandbox', $1::text::uuid, gen_random_uuid()::text, md5($1::text || n)::uuid, md5($1::text || (n + 1) % $3::int)::uuid, 1, 'INR',
         'FILLER_AUTH', '{}', 2 * turn, 2 * turn - 1, 'filler', now() - make_interval(secs => $2::int - turn)
       FROM generate_series(1, $2::int) turn, generate_series(0, $3::int - 1) n
       RETURNING *)
     INSERT INTO posting (ifi_id, environment, fintech_id, account_id, sequence, transfer_number, amount, balance_after, posted_at, hash)
     SELECT 140793, 'sandbox', $1::text::uuid, debit_account_id, debit_sequence, transfer_number, -1, 0, posted_at, sha256('') FROM made
     UNION ALL
     SELECT 140793, 'sandbox', $1::text::uuid, credit_account_id, credit_sequence, transfer_number, 1, 1, posted_at, sha256('') FROM made`,
    [fintechId, each, accounts],
  );
  await client.query("VACUUM ANALYZE");
  await client.query("CHECKPOINT");
  await client.end();
}
