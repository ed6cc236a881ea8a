import { beforeEach, expect, it } from "vitest";
import { fromAnywhere } from "../../access/ip-rules.ts";
import { LeaseUnavailable } from "../../leases/errors.ts";
import { createMemory, type Memory } from "../../leases/memory.ts";
import { applicationSubject, fintechSubject } from "../../leases/subject.ts";
import type { ApplicationId, FintechId, IfiId, TokenId } from "../../platform/ids.ts";
import type { TokenReading } from "../token-store.ts";
import { createTokenCheck, type FoundToken, type TokenCheck } from "./check-token.ts";

// One node, at the moments that the model of docs/revocation.md (`revocation-model.test.ts`) comes upon only by chance.

const secret = "fus_test_checked";
const found: FoundToken = {
  tokenId: "tok_checked" as TokenId,
  applicationId: "app_checked" as ApplicationId,
  tenant: { ifiId: "1" as IfiId, environment: "sandbox", fintechId: "f" as FintechId },
  clientId: "client",
  scopes: ["admin"],
  issuedAtMs: 0,
  addresses: { application: fromAnywhere, token: fromAnywhere },
  policy: "0.0",
  expiresAtMs: 1_000,
  expires: new Date(1_000).toISOString(),
  refusal: null,
};
const revoked: FoundToken = { ...found, refusal: "token_revoked" };

let memory: Memory<FoundToken>;
let holds: boolean;
let databaseMs: number;
/** What the database answers, one reading after the other; the last one again and again. */
let readings: (() => TokenReading)[];
let read: number;
let untilAllKnow: () => Promise<{ confirmed: number; total: number }>;
let tokenCheck: TokenCheck;

beforeEach(() => {
  memory = createMemory({ bytesMax: 1_000_000 });
  holds = true;
  databaseMs = 0;
  readings = [() => ({ found, epoch: 7 })];
  read = 0;
  untilAllKnow = async () => ({ confirmed: 1, total: 1 });
  tokenCheck = createTokenCheck({
    async readToken() {
      const reading = readings[Math.min(read, readings.length - 1)] as () => TokenReading;
      read += 1;
      return reading();
    },
    node: {
      lease: { holds: () => holds, databaseMs: () => databaseMs, leftMs: () => 1 },
      epoch: () => 7,
      async untilLease() {
        holds = true;
      },
    },
    nodes: { untilAllKnow: () => untilAllKnow() },
    memory,
  });
});

it("does not believe a server that is behind what this node has seen, whatever it says", async () => {
  for (const said of [found, revoked, undefined]) {
    readings = [() => ({ found: said, epoch: 6 })];
    await expect(tokenCheck.check(secret)).rejects.toBeInstanceOf(LeaseUnavailable);
  }
});

it("says that a token is revoked only when every node refuses it", async () => {
  readings = [() => ({ found: revoked, epoch: 8 })];
  const known = Promise.withResolvers<{ confirmed: number; total: number }>();
  untilAllKnow = () => known.promise;
  let answered = false;
  const checking = tokenCheck.check(secret).finally(() => {
    answered = true;
  });
  await new Promise(setImmediate);
  expect(answered).toBe(false);
  known.resolve({ confirmed: 2, total: 2 });
  expect(await checking).toMatchObject({ refusal: "token_revoked" });
  untilAllKnow = () => Promise.reject(new Error("The nodes cannot be asked."));
  memory.reset(8);
  await expect(tokenCheck.check(secret)).rejects.toBeInstanceOf(LeaseUnavailable);
});

it("reads again what was read before everything was forgotten", async () => {
  const beforeReset = (): TokenReading => {
    // As after a failover, whose new server has a greater epoch than this reading's, or the same.
    memory.reset(7);
    return { found, epoch: 7 };
  };
  readings = [beforeReset, () => ({ found: { ...found, scopes: [] }, epoch: 7 })];
  expect(await tokenCheck.check(secret)).toMatchObject({ scopes: [] });
});

it("does not answer with a reading during which the lease ran out, but with a new one", async () => {
  const lapsing = (): TokenReading => {
    holds = false;
    return { found, epoch: 7 };
  };
  readings = [lapsing];
  await expect(tokenCheck.check(secret)).rejects.toBeInstanceOf(LeaseUnavailable);
});

it("answers nothing from memory without a lease", async () => {
  expect(await tokenCheck.check(secret)).toMatchObject({ refusal: null });
  expect(tokenCheck.checkNow(secret)).toMatchObject({ found: { refusal: null } });
  holds = false;
  expect(tokenCheck.checkNow(secret)).toBeUndefined();
});

it("refuses from the very instant of the end on, whether it has just been read or is remembered", async () => {
  databaseMs = 999;
  expect(await tokenCheck.check(secret)).toMatchObject({ refusal: null });
  databaseMs = 1_000;
  expect(tokenCheck.checkNow(secret)).toMatchObject({ found: { refusal: "token_expired" } });
  memory.reset(7);
  expect(await tokenCheck.check(secret)).toMatchObject({ refusal: "token_expired" });
});

it("does not share the scopes of one token with another of its application", async () => {
  readings = [
    () => ({ found, epoch: 7 }),
    () => ({ found: { ...found, scopes: ["accounts:read"] }, epoch: 7 }),
  ];
  expect(await tokenCheck.check(secret)).toMatchObject({ scopes: ["admin"] });
  expect(await tokenCheck.check("fus_test_narrower")).toMatchObject({ scopes: ["accounts:read"] });
});

it("forgets a token with its application and with its fintech", async () => {
  for (const subject of [applicationSubject(found.applicationId), fintechSubject(found.tenant)]) {
    await tokenCheck.check(secret);
    memory.narrow(7, [subject]);
    expect(tokenCheck.checkNow(secret)).toBeUndefined();
  }
});
