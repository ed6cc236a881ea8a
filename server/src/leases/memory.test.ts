import { describe, expect, it } from "vitest";
import type { ApplicationId, FintechId, IfiId } from "../platform/ids.ts";
import { createMemory, type Reading } from "./memory.ts";
import { applicationSubject, fintechSubject, tokenSubject } from "./subject.ts";

const application = applicationSubject("app_1" as ApplicationId);
const fintech = fintechSubject({ ifiId: "1" as IfiId, fintechId: "f" as FintechId });

function reading(epoch: number, facts: string | undefined = "facts", refused = false): Reading<string> {
  return { facts, epoch, groups: facts === undefined ? [] : [application, fintech], refused, bytes: 100 };
}

describe("what is remembered", () => {
  it("is found until a narrowing names the token, its application or its fintech, and nothing else goes", () => {
    for (const subject of [tokenSubject("a"), application, fintech]) {
      const memory = createMemory<string>({ bytesMax: 100_000 });
      memory.fill("a", reading(0));
      memory.fill("other", { ...reading(0), groups: [] });
      expect(memory.find("a")).toMatchObject({ facts: "facts" });
      memory.narrow(1, [subject]);
      expect(memory.find("a")).toBeUndefined();
      expect(memory.find("other")).toBeDefined();
    }
  });

  it("is found again once it was read after a narrowing, and forgotten with the next, whatever was left of before", () => {
    for (const subject of [application, fintech]) {
      const memory = createMemory<string>({ bytesMax: 100_000 });
      memory.fill("before", reading(0));
      memory.narrow(1, [subject]);
      memory.fill("after", reading(1));
      // Only now does what was left of before go, under whose group's name another group stands.
      expect(memory.find("before")).toBeUndefined();
      expect(memory.find("after")).toBeDefined();
      memory.narrow(2, [subject]);
      expect(memory.find("after")).toBeUndefined();
    }
  });

  it("tells a token that is known not to exist from one that is not known", () => {
    const memory = createMemory<string>({ bytesMax: 100_000 });
    memory.fill("none", { ...reading(0), facts: undefined, groups: [], refused: true });
    expect(memory.find("none")).toMatchObject({ facts: undefined });
    expect(memory.find("other")).toBeUndefined();
  });
});

describe("a reading", () => {
  it("loses to a newer narrowing of its token, application or fintech, and only to a newer one", () => {
    for (const subject of [tokenSubject("a"), application, fintech]) {
      const memory = createMemory<string>({ bytesMax: 100_000 });
      memory.narrow(5, [subject]);
      expect(memory.fill("a", reading(4))).toBe("superseded");
      expect(memory.find("a")).toBeUndefined();
      expect(memory.fill("a", reading(5))).toBe("kept");
      expect(memory.find("a")).toBeDefined();
    }
  });

  it("older than the oldest narrowing that is remembered is not kept", () => {
    const memory = createMemory<string>({ bytesMax: 100_000, tombstonesMax: 2 });
    memory.narrow(1, [tokenSubject("x")]);
    memory.narrow(2, [tokenSubject("y")]);
    expect(memory.fill("a", reading(0))).toBe("kept");
    memory.narrow(3, [tokenSubject("z")]);
    expect(memory.fill("b", reading(0))).toBe("superseded");
    expect(memory.fill("b", reading(1))).toBe("kept");
  });

  it("from before a narrowing that was repeated is not kept, however many of others have come since", () => {
    const memory = createMemory<string>({ bytesMax: 100_000, tombstonesMax: 2 });
    for (const [epoch, name] of [
      [1, "a"],
      [2, "b"],
      [3, "a"],
      [4, "c"],
      [5, "d"],
    ] as const)
      memory.narrow(epoch, [tokenSubject(name)]);
    expect(memory.fill("a", reading(2))).toBe("superseded");
    expect(memory.fill("a", reading(3))).toBe("kept");
  });

  it("from before a fresh start is not kept", () => {
    const memory = createMemory<string>({ bytesMax: 100_000 });
    memory.fill("a", reading(3));
    memory.reset(4);
    expect(memory.find("a")).toBeUndefined();
    expect(memory.fill("a", reading(3))).toBe("superseded");
    expect(memory.fill("a", reading(4))).toBe("kept");
  });
});

describe("its size", () => {
  it("stays within its bytes; what was used lately stays, the rest goes", () => {
    const memory = createMemory<string>({ bytesMax: 50_000 });
    for (let at = 0; at < 1_000; at += 1) {
      memory.fill(`t${at}`, reading(0));
      memory.find("t0");
      expect(memory.size.bytes).toBeLessThanOrEqual(50_000);
    }
    expect(memory.size.tokens).toBeGreaterThan(50);
    expect(memory.size.tokens).toBeLessThan(500);
    expect(memory.find("t0")).toBeDefined();
    expect(memory.find("t1")).toBeUndefined();
    expect(memory.find("t999")).toBeDefined();
  });

  it("keeps a flood of refused tokens from pushing out live ones", () => {
    const memory = createMemory<string>({ bytesMax: 1_000, refusedMax: 10 });
    memory.fill("live", reading(0));
    for (let at = 0; at < 1_000; at += 1)
      memory.fill(`junk${at}`, { ...reading(0), facts: undefined, groups: [], refused: true });
    expect(memory.size).toEqual({ tokens: 1, refused: 10, bytes: 320 });
    expect(memory.find("live")).toBeDefined();
  });

  it("returns to nothing when everything is forgotten", () => {
    const memory = createMemory<string>({ bytesMax: 50_000 });
    for (let at = 0; at < 50; at += 1) memory.fill(`t${at}`, reading(0));
    memory.narrow(1, [application]);
    for (let at = 0; at < 50; at += 1) expect(memory.find(`t${at}`)).toBeUndefined();
    expect(memory.size).toEqual({ tokens: 0, refused: 0, bytes: 0 });
  });
});
