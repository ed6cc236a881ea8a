// What somebody can do to the ledger who can write the whole database but does not have the signing key.

/** A random whole number below `sides`. */
export type Pick = (sides: number) => number;

/** The rows that can be tampered with: everything that ever moved. */
export interface Target {
  readonly accounts: readonly { readonly account_id: string }[];
  readonly transfers: readonly { readonly transfer_number: string; readonly request_id: string }[];
  readonly postings: readonly {
    readonly account_id: string;
    readonly sequence: string;
    readonly transfer_number: string;
  }[];
  readonly reversals: readonly { readonly request_id: string }[];
}

export interface Edit {
  readonly name: string;
  /** Statements. They may change nothing, if chance picks the same row twice. */
  sql(target: Target, pick: Pick): string;
}

const one = <Row>(rows: readonly Row[], pick: Pick): Row => rows[pick(rows.length)] as Row;
const more = (pick: Pick): number => 1 + pick(500);
const moreOrLess = (pick: Pick): number => (pick(2) === 0 ? more(pick) : -more(pick));
const posting = ({ postings }: Target, pick: Pick): string => {
  const { account_id, sequence } = one(postings, pick);
  return `account_id = '${account_id}' AND sequence = ${sequence}`;
};
const transfer = ({ transfers }: Target, pick: Pick): string =>
  `transfer_number = ${one(transfers, pick).transfer_number}`;
const account = ({ accounts }: Target, pick: Pick): string =>
  `account_id = '${one(accounts, pick).account_id}'`;
const reversal = ({ reversals }: Target, pick: Pick): string =>
  `request_id = '${one(reversals, pick).request_id}'`;
/** Two postings of one account. */
const twoPostings = ({ postings }: Target, pick: Pick): [string, string, string] => {
  const { account_id } = one(postings, pick);
  const own = postings.filter((row) => row.account_id === account_id);
  return [`account_id = '${account_id}'`, one(own, pick).sequence, one(own, pick).sequence];
};
/** Deletes the transfer, its postings, and the links to what it reverses and is reversed by. */
const withoutTransfer = (where: string): string =>
  `DELETE FROM posting WHERE ${where};
   DELETE FROM transfer_reversal WHERE request_id IN (SELECT request_id FROM transfer WHERE ${where})
     OR original_request_id IN (SELECT request_id FROM transfer WHERE ${where});
   DELETE FROM transfer WHERE ${where}`;
const withAmount = (where: string, added: number): string =>
  `UPDATE transfer SET amount = amount + ${added} WHERE ${where};
   UPDATE posting SET amount = amount + sign(amount) * ${added} WHERE ${where}`;
/** The end of an account's postings, in a statement about `p`. */
const nextSequence =
  "(SELECT coalesce(max(q.sequence), 0) + 1 FROM posting q WHERE q.account_id = p.account_id)";

export const edits: readonly Edit[] = [
  {
    name: "a posting moves another amount",
    sql: (target, pick) =>
      `UPDATE posting SET amount = amount + ${moreOrLess(pick)} WHERE ${posting(target, pick)}`,
  },
  {
    name: "a posting leads to another balance",
    sql: (target, pick) =>
      `UPDATE posting SET balance_after = balance_after + ${moreOrLess(pick)} WHERE ${posting(target, pick)}`,
  },
  {
    name: "an account has another balance",
    sql: (target, pick) =>
      `UPDATE account SET balance = balance + ${moreOrLess(pick)} WHERE ${account(target, pick)}`,
  },
  {
    name: "money goes from one balance to another",
    sql: (target, pick) => {
      const added = more(pick);
      return `UPDATE account SET balance = balance + ${added} WHERE ${account(target, pick)};
        UPDATE account SET balance = balance - ${added} WHERE ${account(target, pick)}`;
    },
  },
  {
    name: "a posting is deleted",
    sql: (target, pick) => `DELETE FROM posting WHERE ${posting(target, pick)}`,
  },
  {
    name: "a posting is there again",
    sql: (target, pick) =>
      `INSERT INTO posting (ifi_id, environment, fintech_id, account_id, sequence, transfer_number, amount, balance_after, posted_at, hash)
       SELECT ifi_id, environment, fintech_id, account_id, ${nextSequence}, transfer_number, amount, balance_after, posted_at, hash
       FROM posting p WHERE ${posting(target, pick)}`,
  },
  {
    name: "two postings of an account change places",
    sql: (target, pick) => {
      const [where, left, right] = twoPostings(target, pick);
      return `UPDATE posting SET sequence = -${left} WHERE ${where} AND sequence = ${left};
        UPDATE posting SET sequence = ${left} WHERE ${where} AND sequence = ${right};
        UPDATE posting SET sequence = ${right} WHERE ${where} AND sequence = -${left}`;
    },
  },
  {
    name: "a posting belongs to another account",
    sql: (target, pick) =>
      `UPDATE posting p SET account_id = '${one(target.accounts, pick).account_id}', sequence = 1000 + sequence WHERE ${posting(target, pick)}`,
  },
  {
    name: "two postings of an account move more and less by the same",
    sql: (target, pick) => {
      const [where, left, right] = twoPostings(target, pick);
      const added = more(pick);
      return `UPDATE posting SET amount = amount + ${added} WHERE ${where} AND sequence = ${left};
        UPDATE posting SET amount = amount - ${added} WHERE ${where} AND sequence = ${right}`;
    },
  },
  {
    name: "a posting has another hash",
    sql: (target, pick) => `UPDATE posting SET hash = sha256(hash) WHERE ${posting(target, pick)}`,
  },
  {
    name: "it was at another time",
    sql: (target, pick) => {
      const later = `posted_at = posted_at + interval '${1 + pick(1_000_000)} microseconds'`;
      const where = transfer(target, pick);
      const both = [
        `UPDATE posting SET ${later} WHERE ${where}`,
        `UPDATE transfer SET ${later} WHERE ${where}`,
      ];
      return one([both[0], both[1], both.join("; ")] as string[], pick);
    },
  },
  {
    name: "a transfer was asked for under another request id",
    sql: (target, pick) =>
      `UPDATE transfer SET request_id = request_id || '-' WHERE ${transfer(target, pick)}`,
  },
  {
    name: "two transfers exchange their request ids",
    sql: ({ transfers }, pick) => {
      const [left, right] = [one(transfers, pick), one(transfers, pick)];
      return `UPDATE transfer SET request_id = '${right.request_id}' WHERE transfer_number = ${left.transfer_number};
        UPDATE transfer SET request_id = '${left.request_id}' WHERE transfer_number = ${right.transfer_number}`;
    },
  },
  {
    name: "a transfer says something else",
    sql: (target, pick) => {
      const change = one(
        [
          "remarks = remarks || ' '",
          "transfer_code = transfer_code || '-2'",
          "requested_by = 'somebody'",
          `attributes = '{"note": "changed"}'`,
          "currency = 'USD'",
          "kind = CASE kind WHEN 'funding' THEN 'transfer' ELSE 'funding' END",
          "debit_sequence = debit_sequence + 1",
          "credit_sequence = credit_sequence + 1",
          "debit_account_id = credit_account_id, credit_account_id = debit_account_id",
        ],
        pick,
      );
      return `UPDATE transfer SET ${change} WHERE ${transfer(target, pick)}`;
    },
  },
  {
    name: "a transfer moved another amount, with both its postings",
    sql: (target, pick) => withAmount(transfer(target, pick), more(pick)),
  },
  {
    name: "two transfers moved more and less by the same",
    sql: (target, pick) =>
      `${withAmount(transfer(target, pick), 1)}; ${withAmount(transfer(target, pick), -1)}`,
  },
  {
    name: "somebody else received it",
    sql: (target, pick) => {
      const where = transfer(target, pick);
      const receiver = one(target.accounts, pick).account_id;
      return `UPDATE posting p SET account_id = '${receiver}', sequence = 1000 + sequence
          WHERE ${where} AND amount > 0 AND account_id <> '${receiver}';
        UPDATE transfer SET credit_account_id = '${receiver}' WHERE ${where}`;
    },
  },
  {
    name: "a transfer never was",
    sql: (target, pick) => withoutTransfer(transfer(target, pick)),
  },
  {
    name: "a transfer is invented",
    sql: (target, pick) => {
      const where = transfer(target, pick);
      return `INSERT INTO transfer OVERRIDING SYSTEM VALUE
          SELECT (jsonb_populate_record(t, jsonb_build_object('transfer_number', 1000000, 'request_id', 'invented'))).* FROM transfer t WHERE ${where};
        INSERT INTO posting
          SELECT (jsonb_populate_record(p, jsonb_build_object('transfer_number', 1000000, 'sequence', ${nextSequence}))).* FROM posting p WHERE ${where}`;
    },
  },
  {
    name: "the last transfers never were",
    sql: ({ transfers }, pick) =>
      withoutTransfer(`transfer_number >= ${transfers.at(-1 - pick(20))?.transfer_number}`),
  },
  {
    name: "an account is something else",
    sql: (target, pick) => {
      const change = one(
        [
          `floor = floor - ${more(pick)}`,
          "kind = CASE kind WHEN 'customer' THEN 'funding' ELSE 'customer' END",
          "currency = 'USD'",
          "account_holder_id = gen_random_uuid()",
        ],
        pick,
      );
      return `UPDATE account SET ${change} WHERE ${account(target, pick)}`;
    },
  },
  {
    name: "an account's head or signature is another",
    sql: (target, pick) => {
      const change = one(
        [
          "head = sha256(head)",
          "head_signature = sha256(head)",
          "head_signature = NULL",
          "head = NULL, head_signature = NULL",
          `head_signature = (SELECT b.head_signature FROM account b WHERE b.${account(target, pick)})`,
        ],
        pick,
      );
      return `UPDATE account SET ${change} WHERE ${account(target, pick)}`;
    },
  },
  {
    name: "an account never was",
    sql: (target, pick) => `DELETE FROM account WHERE ${account(target, pick)}`,
  },
  {
    name: "an account is put back to an earlier state, which was signed",
    sql: (target, pick) => {
      const where = account(target, pick);
      return `UPDATE account a SET balance = e.balance, posting_count = e.posting_count, head = e.head, head_signature = e.head_signature
          FROM kept.earlier_account e WHERE a.account_id = e.account_id AND a.${where};
        DELETE FROM posting p USING account a WHERE p.${where} AND a.account_id = p.account_id AND p.sequence > a.posting_count`;
    },
  },
  {
    name: "a reversal undoes another transfer",
    sql: (target, pick) =>
      `UPDATE transfer_reversal SET original_request_id = '${one(target.transfers, pick).request_id}' WHERE ${reversal(target, pick)}`,
  },
  {
    name: "a reversal undoes another amount, or nothing, or leaves another rest, or there is one more",
    sql: (target, pick) => {
      const where = reversal(target, pick);
      return one(
        [
          `UPDATE transfer_reversal SET amount = amount + ${more(pick)} WHERE ${where}`,
          `UPDATE transfer_reversal SET reversed = reversed + ${more(pick)} WHERE ${where}`,
          `DELETE FROM transfer_reversal WHERE ${where}`,
          `INSERT INTO transfer_reversal SELECT ifi_id, environment, fintech_id, '${one(target.transfers, pick).request_id}', original_request_id, 1, 1
           FROM transfer_reversal WHERE ${where} ON CONFLICT DO NOTHING`,
        ],
        pick,
      );
    },
  },
];
