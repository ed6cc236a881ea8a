import { expect, it } from "vitest";
import { type Call, faultsOf, type LedgerContent } from "./transfer-history.ts";

// Shows that the judge of the ledger's tests notices the faults that it exists for.

const idOf = (requestId: string): string => `20261125063000000_1_${requestId}`;

/** Opening balances of 1,000 and 0; 300 there, 800 refused, 100 back, 50 of the 300 reversed. */
function history(): { calls: Call[]; ledger: LedgerContent & { [Key in keyof LedgerContent]: unknown } } {
  const there = { debit: "A", credit: "B", code: "PAY" };
  const back = { debit: "B", credit: "A", code: "PAY" };
  const undoing = { ...back, code: "PAY-REVERSAL", original: "one" };
  const calls: Call[] = [
    { ...there, requestId: "one", amount: 300, startedAt: 1, endedAt: 2, answer: idOf("one") },
    { ...there, requestId: "two", amount: 800, startedAt: 3, endedAt: 4, answer: "LE400008" },
    { ...back, requestId: "three", amount: 100, startedAt: 5, endedAt: 6, answer: idOf("three") },
    { ...undoing, requestId: "four", amount: 50, startedAt: 7, endedAt: 8, answer: idOf("four") },
    { ...there, requestId: "one", amount: 300, startedAt: 9, endedAt: 10, answer: idOf("one") },
    { ...there, requestId: "one", amount: 301, startedAt: 11, endedAt: 12, answer: "REQUEST_MISMATCH" },
    { ...undoing, requestId: "five", amount: 251, startedAt: 13, endedAt: 14, answer: "LE400030" },
  ];
  const made = [calls[0], calls[2], calls[3]] as Call[];
  const [balances, sequences] = [
    { A: 1_000, B: 0 } as Record<string, number>,
    { A: 1, B: 0 } as Record<string, number>,
  ];
  const postings = made.flatMap(({ requestId, debit, credit, amount }) =>
    [
      { accountId: debit, amount: -amount },
      { accountId: credit, amount },
    ].map((one) => {
      balances[one.accountId] = (balances[one.accountId] ?? 0) + one.amount;
      sequences[one.accountId] = (sequences[one.accountId] ?? 0) + 1;
      return { ...one, requestId, sequence: sequences[one.accountId] ?? 0 };
    }),
  );
  return {
    calls,
    ledger: {
      accounts: [
        { accountId: "A", balance: balances.A ?? 0, openingBalance: 1_000, openingPostings: 1 },
        { accountId: "B", balance: balances.B ?? 0, openingBalance: 0, openingPostings: 0 },
      ],
      transfers: made.map((call) => ({ ...call, transferId: idOf(call.requestId) })),
      postings,
    },
  };
}

it("finds nothing in a history that is in order", () => {
  const { calls, ledger } = history();
  expect(faultsOf(calls, ledger)).toEqual([]);
  expect(
    faultsOf(calls, ledger, [{ accounts: ["A", "B"], transferMax: 300, balanceMax: 800, debitsMax: 2 }]),
  ).toEqual([]);
});

it("finds what takes a group above what it may hold, and a refusal for that of what would not", () => {
  const { calls, ledger } = history();
  const held = (heldMax: number): string[] => faultsOf(calls, ledger, [{ accounts: ["B"], heldMax }]);
  expect(held(299)).toContainEqual(expect.stringMatching(/takes the group above 299/));
  Object.assign(calls[1] as Call, { answer: "LE400007" });
  expect(held(100_000)).toEqual([expect.stringMatching(/^two .*: it never held so much$/)]);
});

it("finds a transfer that was acknowledged and is lost", () => {
  const { calls, ledger } = history();
  const without = <Row extends { requestId: string }>(rows: readonly Row[]): Row[] =>
    rows.filter(({ requestId }) => requestId !== "four");
  const accounts = [
    { ...ledger.accounts[0], balance: 800 },
    { ...ledger.accounts[1], balance: 200 },
  ] as LedgerContent["accounts"];
  const rest = { transfers: without(ledger.transfers), postings: without(ledger.postings), accounts };
  expect(faultsOf(calls, rest)).toContainEqual(
    expect.stringMatching(/^four .*: lost: there is no such transfer$/),
  );
  // Only a posting.
  const postings = ledger.postings.filter(({ sequence, accountId }) => accountId !== "B" || sequence !== 3);
  expect(faultsOf(calls, { ...ledger, postings })).toContainEqual("lost: no posting four B");
});

it("finds a transfer that was made twice", () => {
  const { calls, ledger } = history();
  const transfers = [
    ...ledger.transfers,
    { ...ledger.transfers[0], transferId: idOf("one") },
  ] as LedgerContent["transfers"];
  expect(faultsOf(calls, { ...ledger, transfers })).toContainEqual("doubled: there are two transfers one");
  const postings = [
    ...ledger.postings,
    { accountId: "A", sequence: 5, amount: -300, requestId: "one" },
    { accountId: "B", sequence: 4, amount: 300, requestId: "one" },
  ];
  const accounts = [
    { ...ledger.accounts[0], balance: 550 },
    { ...ledger.accounts[1], balance: 450 },
  ] as LedgerContent["accounts"];
  expect(faultsOf(calls, { ...ledger, postings, accounts })).toContainEqual(
    expect.stringMatching(/^doubled: posting 5 of A/),
  );
  (calls[4] as Call).answer = "20261125063000001_1_one";
  expect(faultsOf(calls, ledger)).toEqual([
    expect.stringMatching(/: doubled: it is 20261125063000000_1_one$/),
  ]);
});

it.each<[string, (calls: Call[]) => void, RegExp]>([
  ["what nobody asked for", (calls) => calls.splice(2, 1), /nobody asked for what transfer three moved/],
  [
    "a refusal for lack of money that was there",
    (calls) => Object.assign(calls[1] as Call, { amount: 700 }),
    /there was money all the time, 700/,
  ],
  [
    "a refusal of what had been made",
    (calls) => Object.assign(calls[4] as Call, { answer: "LE400008" }),
    /it had been made before/,
  ],
  [
    "a mismatch where all is the same",
    (calls) => Object.assign(calls[4] as Call, { answer: "REQUEST_MISMATCH" }),
    /no other content/,
  ],
  [
    "a refused reversal of what was left",
    (calls) => Object.assign(calls[6] as Call, { amount: 250 }),
    /250 were left/,
  ],
  [
    "a reversal of more than was left",
    (calls) => Object.assign(calls[3] as Call, { original: "two" }),
    /reversal four undoes more of two than was left/,
  ],
  [
    "an error of the database",
    (calls) => Object.assign(calls[1] as Call, { answer: "40P01" }),
    /nobody should be told that/,
  ],
  [
    "limits that nobody set",
    (calls) => Object.assign(calls[1] as Call, { answer: "LE400002" }),
    /there were not so many/,
  ],
])("finds %s", (_, spoil, expected) => {
  const { calls, ledger } = history();
  spoil(calls);
  expect(faultsOf(calls, ledger)).toContainEqual(expect.stringMatching(expected));
});
