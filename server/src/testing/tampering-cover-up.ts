import type pg from "pg";
import { headSignature, type SignedFacts } from "../ledger/chain.ts";
import type { Environment, FintechId, IfiId } from "../platform/ids.ts";
import { createKeys } from "../platform/keys.ts";
import { systemRandom } from "../platform/random.ts";

/** How far a tamperer goes to cover up a change: each level includes the ones before it. */
export const coverUps = ["nothing", "sums", "hashes", "signatures of another key"] as const;
export type CoverUp = (typeof coverUps)[number];

export async function coverUp(client: pg.PoolClient, how: CoverUp): Promise<void> {
  const depth = coverUps.indexOf(how);
  if (depth >= 1) await client.query(renewSums);
  if (depth >= 2) await client.query(renewHashes);
  if (depth >= 3) await renewSignatures(client);
}

const renewSums = `
  UPDATE posting p SET sequence = -n.number, balance_after = n.balance FROM (
    SELECT account_id, sequence, row_number() OVER history AS number, sum(amount) OVER history AS balance
    FROM posting WINDOW history AS (PARTITION BY account_id ORDER BY sequence)) n
  WHERE p.account_id = n.account_id AND p.sequence = n.sequence;
  UPDATE posting SET sequence = -sequence;
  UPDATE transfer t SET debit_sequence = p.sequence FROM posting p
    WHERE p.transfer_number = t.transfer_number AND p.account_id = t.debit_account_id;
  UPDATE transfer t SET credit_sequence = p.sequence FROM posting p
    WHERE p.transfer_number = t.transfer_number AND p.account_id = t.credit_account_id;
  UPDATE account a SET balance = coalesce(p.balance, 0), posting_count = coalesce(p.postings, 0) FROM account b
    LEFT JOIN (SELECT account_id, sum(amount) AS balance, count(*) AS postings FROM posting GROUP BY account_id) p USING (account_id)
    WHERE a.account_id = b.account_id`;

const renewHashes = `DO $$
  DECLARE
    found record;
    owner_of uuid;
    last_hash bytea;
  BEGIN
    UPDATE account SET head = NULL;
    FOR found IN
      SELECT p AS posting, transfer_digest(t) AS digest FROM posting p
      JOIN transfer t USING (transfer_number) ORDER BY p.account_id, p.sequence
    LOOP
      IF (found.posting).account_id IS DISTINCT FROM owner_of THEN
        owner_of := (found.posting).account_id;
        last_hash := '';
      END IF;
      last_hash := posting_hash(found.posting, last_hash, found.digest);
      UPDATE posting SET hash = last_hash WHERE account_id = owner_of AND sequence = (found.posting).sequence;
      UPDATE account SET head = last_hash WHERE account_id = owner_of;
    END LOOP;
  END $$`;

const otherKeys = createKeys(Buffer.alloc(32, 8), systemRandom);

async function renewSignatures(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query(
    `SELECT ifi_id AS "ifiId", environment, fintech_id AS "fintechId", account_id AS "accountId", kind, currency, floor AS "floorMinor",
       account_holder_id AS "accountHolderId", posting_count AS "postingCount", balance AS "balanceMinor", encode(head, 'hex') AS head
     FROM account WHERE head IS NOT NULL`,
  );
  // The signature covers texts, and the database's numbers arrive as texts.
  for (const row of rows as (SignedFacts & {
    ifiId: IfiId;
    environment: Environment;
    fintechId: FintechId;
  })[])
    await client.query("UPDATE account SET head_signature = decode($1, 'hex') WHERE account_id = $2", [
      headSignature(otherKeys, row, row),
      row.accountId,
    ]);
}
