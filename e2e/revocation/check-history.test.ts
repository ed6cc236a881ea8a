import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  checkHistory,
  type Evidence,
  patienceMs,
  type Rule,
  recoveryMs,
  type Verdict,
} from "./check-history.ts";
import { type Call, type Fault, type Revocation, readHistory, writeHistory } from "./history.ts";

const none: Evidence = {
  nodes: 3,
  calls: [],
  revocations: [],
  faults: [],
  phases: [],
  transfers: [],
  revokeCommits: new Map(),
  unexpectedEnds: [],
  leaseAndMarginMs: 2_000,
};

function call(sentAt: number, outcome: string, more: Partial<Call> = {}): Call {
  return { kind: "read", node: 0, token: 1, sentAt, endedAt: sentAt + 5, outcome, ...more };
}

/** Token 1, revoked from 100 to 110. */
const revoked: Revocation = {
  token: 1,
  attempts: [{ path: "console", node: 0, sentAt: 100, endedAt: 110, outcome: "200" }],
};

function judge(evidence: Partial<Evidence>): Verdict {
  return checkHistory({ ...none, ...evidence });
}

function brokenRules(evidence: Partial<Evidence>): Rule[] {
  const { violations } = judge(evidence);
  return (Object.keys(violations) as Rule[]).filter((rule) => violations[rule].count > 0);
}

describe("what was promised", () => {
  it("holds when calls are accepted until the revoke's answer and refused afterwards", () => {
    const calls = [
      call(50, "200"),
      call(109, "200"), // Sent before the answer.
      call(110, "200"), // In the very moment, so not after it.
      call(116, "401 token_revoked"),
      call(120, "401 token_revoked", { node: 2, kind: "check" }),
      call(130, "503 unavailable", { node: 1 }),
      call(140, "lost", { node: 1 }),
    ];
    expect(brokenRules({ calls, revocations: [revoked] })).toEqual([]);
  });

  it("is broken by a call that was sent after the answer and accepted, at whichever node", () => {
    for (const node of [0, 1, 2])
      for (const kind of ["read", "check"] as const)
        expect(
          brokenRules({ calls: [call(110.001, "200", { node, kind })], revocations: [revoked] }),
        ).toEqual(["acceptedAfterAnswer"]);
  });

  it("counts the first answer of a revoke that was repeated, and none that was not 200", () => {
    const attempts = [
      { path: "console", node: 0, sentAt: 100, endedAt: 103, outcome: "503 revoke_unconfirmed" },
      { path: "console", node: 1, sentAt: 105, endedAt: 106, outcome: "lost" },
      { path: "oauth", node: 2, sentAt: 110, endedAt: 120, outcome: "200" },
    ] as const;
    expect(brokenRules({ calls: [call(119, "200")], revocations: [{ token: 1, attempts }] })).toEqual([]);
    expect(brokenRules({ calls: [call(121, "200")], revocations: [{ token: 1, attempts }] })).toEqual([
      "acceptedAfterAnswer",
    ]);
  });

  it("is broken by a revoke that nobody ever answered", () => {
    const attempts = [{ path: "console", node: 0, sentAt: 100, endedAt: 103, outcome: "lost" }] as const;
    expect(brokenRules({ revocations: [{ token: 1, attempts }] })).toEqual(["neverAnswered"]);
  });

  it("is broken by a transfer in the ledger that was sent after the answer, even when its own answer was lost", () => {
    const calls = [call(111, "lost", { kind: "transfer", request: 7 })];
    const transfers = [{ request: 7, token: 1, committedAt: 0 }];
    expect(brokenRules({ calls, transfers, revocations: [revoked] })).toEqual(["writtenAfterAnswer"]);
    const earlier = [call(99, "lost", { kind: "transfer", request: 7 })];
    expect(brokenRules({ calls: earlier, transfers, revocations: [revoked] })).toEqual([]);
  });

  it("is broken by a transfer that was committed after its token's revoke, whenever it was sent", () => {
    const calls = [call(99, "200", { kind: "transfer", request: 7 })];
    const revokeCommits = new Map([[1, 1_000]]);
    const committed = (committedAt: number) => ({
      calls,
      revokeCommits,
      revocations: [revoked],
      transfers: [{ request: 7, token: 1, committedAt }],
    });
    expect(brokenRules(committed(1_000))).toEqual([]);
    expect(brokenRules(committed(1_001))).toEqual(["committedAfterRevoke"]);
  });

  describe("is broken by a token that was refused as revoked and accepted again, also while the revoke was not answered", () => {
    const attempts = [{ path: "console", node: 0, sentAt: 100, endedAt: 9_000, outcome: "200" }] as const;
    const revocations = [{ token: 1, attempts }];
    const refused = call(200, "401 token_revoked");
    const transferred = { kind: "transfer", request: 7 } as const;
    const transfers = [{ request: 7, token: 1, committedAt: 0 }];

    it("by the node that refused it, in whichever order the two ended", () => {
      expect(brokenRules({ calls: [refused, call(205, "200")], revocations })).toEqual([]);
      expect(brokenRules({ calls: [refused, call(206, "200")], revocations })).toEqual(["acceptedAgain"]);
      expect(brokenRules({ calls: [call(206, "200"), refused], revocations })).toEqual(["acceptedAgain"]);
      expect(brokenRules({ calls: [refused, call(206, "200", { token: 2 })], revocations })).toEqual([]);
    });

    it("by any other node, in a transfer or otherwise", () => {
      const calls = [refused, call(206, "200", { ...transferred, node: 2 })];
      expect(brokenRules({ calls, revocations, transfers })).toEqual(["acceptedAgain"]);
      expect(brokenRules({ calls: [refused, call(205, "200", { node: 1 })], revocations })).toEqual([]);
      expect(brokenRules({ calls: [refused, call(206, "200", { node: 1 })], revocations })).toEqual([
        "acceptedAgain",
      ]);
    });
  });

  it("is broken by a transfer that was answered 200 and is not there", () => {
    const calls = [call(50, "200", { kind: "transfer", request: 7 })];
    expect(brokenRules({ calls })).toEqual(["transferLost"]);
    expect(brokenRules({ calls, transfers: [{ request: 7, token: 1, committedAt: 0 }] })).toEqual([]);
  });

  it("is broken by a node that ended without having been killed", () => {
    expect(brokenRules({ unexpectedEnds: ["node 1"] })).toEqual(["nodeEnded"]);
  });
});

describe("being alive", () => {
  const frozen: Fault = { kind: "freeze", node: 0, startedAt: 100, endedAt: 200 };

  it("is the share of calls that were answered 200 among those with a valid token to nodes without a fault", () => {
    const { valid, validRefusals } = judge({
      calls: [call(0, "200"), call(10, "200", { node: 1 }), call(20, "503 unavailable"), call(30, "lost")],
    });
    expect(valid).toEqual({ calls: 4, answered: 2, share: 0.5 });
    expect(validRefusals).toEqual({ "read 503 unavailable": 1, "read lost": 1 });
  });

  it("does not ask for calls during a fault of the node or of the database, nor shortly after it", () => {
    const ended = frozen.endedAt + recoveryMs.node;
    const calls = [call(96, "503"), call(150, "503"), call(ended, "503")];
    expect(judge({ calls, faults: [frozen] }).valid.calls).toBe(0);
    const outside = [call(94, "200"), call(ended + 1, "200"), call(150, "200", { node: 1 })];
    expect(judge({ calls: outside, faults: [frozen] }).valid).toMatchObject({ calls: 3, share: 1 });
    const database = { ...frozen, kind: "database crash", node: null };
    expect(judge({ calls: [call(150, "503", { node: 1 })], faults: [database] }).valid.calls).toBe(0);
  });

  it("counts an answer that came too late as none, and a fault that began after that as no excuse", () => {
    const late = call(0, "200", { endedAt: patienceMs + 1_000 });
    const faults = [{ ...frozen, startedAt: patienceMs + 500, endedAt: patienceMs + 600 }];
    expect(judge({ calls: [late], faults }).valid).toMatchObject({ calls: 1, answered: 0 });
  });

  it("leaves out calls that overlap their token's revoke", () => {
    const calls = [call(94, "200"), call(96, "401 token_revoked"), call(150, "401 token_revoked")];
    expect(judge({ calls, revocations: [revoked] }).valid).toMatchObject({ calls: 1, answered: 1 });
  });
});

describe("figures", () => {
  it("say how many revokes each kind of fault overlapped", () => {
    const fault = (kind: string, startedAt: number, endedAt: number): Fault => ({
      kind,
      node: 0,
      startedAt,
      endedAt,
    });
    const faults = [fault("freeze", 105, 300), fault("freeze", 100, 102), fault("kill", 111, 200)];
    expect(judge({ revocations: [revoked], faults }).overlaps).toEqual({ freeze: 1, kill: 0 });
  });

  it("say how long revokes of a phase took, repetitions included", () => {
    const phases = [
      { name: "healthy", startedAt: 0, endedAt: 150 },
      { name: "one frozen", startedAt: 200, endedAt: 300 },
    ];
    const slow: Revocation = {
      token: 2,
      attempts: [
        { path: "console", node: 0, sentAt: 200, endedAt: 210, outcome: "lost" },
        { path: "console", node: 0, sentAt: 250, endedAt: 600, outcome: "200" },
      ],
    };
    expect(judge({ revocations: [revoked, slow], phases }).revokeMs).toEqual({
      healthy: { count: 1, p50: 10, p99: 10, max: 10 },
      "one frozen": { count: 1, p50: 400, p99: 400, max: 400 },
    });
  });

  it("say when a node that was cut off answered from memory for the last time, and what it answered then", () => {
    const phases = [{ name: "cut off", startedAt: 1_000, endedAt: 9_000 }];
    const faults = [{ kind: "network black hole", node: 1, startedAt: 1_010, endedAt: 8_000 }];
    const calls = [
      call(2_910, "200", { node: 1 }),
      call(3_100, "503 unavailable", { node: 1 }),
      call(3_200, "lost", { node: 1, endedAt: 4_000 }),
      call(3_300, "200", { node: 2 }),
    ];
    expect(judge({ calls, phases, faults }).cutOff).toEqual({
      calls: 2,
      unavailable: 1,
      slowestMs: 800,
      lastAcceptedMs: 1_900,
    });
  });

  it("count the calls that raced with their token's revoke", () => {
    const calls = [call(90, "200"), call(500, "401 token_revoked"), call(5_000, "401 token_revoked")];
    expect(judge({ calls, revocations: [revoked] }).racingCalls).toBe(2);
  });
});

describe("the file of a history", () => {
  it("gives back what was written", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fusion-history-"));
    const calls = Array.from({ length: 30_000 }, (_, at) =>
      at % 2 === 0
        ? call(at + 0.125, "401 token_revoked")
        : call(at, "200", { kind: "transfer", request: at, node: 2 }),
    );
    const writer = writeHistory(join(folder, "history"));
    for (const one of calls) writer.add(one);
    await writer.close();
    expect([...readHistory(join(folder, "history"))]).toEqual(calls);
    rmSync(folder, { recursive: true });
  });
});
