// How much the ledger's tests do: a little in every `npm test`, the size for judging a release in `npm run test:ledger -- --release`.

export const ledgerSizes =
  process.env.FUSION_TEST_LEDGER === "release"
    ? {
        histories: 20,
        kills: 200,
        cuts: 1_000,
        repeatedRequests: 1_000,
        tamperings: 1_000,
        timeoutMs: 7_200_000,
      }
    : { histories: 1, kills: 20, cuts: 50, repeatedRequests: 20, tamperings: 104, timeoutMs: 600_000 };
