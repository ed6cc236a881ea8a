import { describe, expect, test } from "vitest";
import { lifelineGeometry } from "./lifeline-geometry.ts";
import { lifelineSentence } from "./lifeline-sentence.ts";

const day = 86_400_000;
const now = Date.parse("2026-11-24T05:30:00.000Z");
const at = (days: number): string => new Date(now + days * day).toISOString();
const geometry = (input: Omit<Parameters<typeof lifelineGeometry>[0], "now" | "width">) =>
  lifelineGeometry({ ...input, now, width: 100 });

describe("where things stand on a lifeline", () => {
  test("the line runs the whole width, lived up to now", () => {
    const drawn = geometry({ life: { createdAt: at(-10), expiresAt: at(10) } });
    expect(drawn.line).toEqual({ from: 0, to: 100 });
    expect(drawn.lived).toEqual({ from: 0, to: 50 });
    expect(drawn.now).toBe(50);
    expect(drawn.band).toEqual({ from: 25, to: 100 });
  });

  test("the last 15 days of a year keep a legible width", () => {
    const drawn = geometry({ life: { createdAt: at(-1), expiresAt: at(364) } });
    expect(drawn.band).toEqual({ from: 68, to: 100 });
    expect(drawn.tone).toBe("good");
  });

  test("a token shorter than 15 days is band from end to end", () => {
    expect(geometry({ life: { createdAt: at(-1), expiresAt: at(6) } }).band).toEqual({ from: 0, to: 100 });
  });

  test("order in time is order on the line, whatever the stretches", () => {
    const drawn = geometry({
      life: { createdAt: at(-350), expiresAt: at(15), lastUsedAt: at(-0.1) },
      replacement: { createdAt: at(-2), expiresAt: at(360) },
      reminders: [
        { at: at(0), mark: "sent" },
        { at: at(1), mark: "next" },
        { at: at(14), mark: "planned" },
      ],
    });
    const order = [
      drawn.replacement?.line.from,
      drawn.lastUse,
      drawn.now,
      ...drawn.reminders.map(({ x }) => x),
      drawn.line.to,
      drawn.replacement?.line.to,
    ];
    expect(order).toEqual([...order].sort((a, b) => Number(a) - Number(b)));
    expect(drawn.replacement?.line.to).toBe(100);
    expect(drawn.overlap).toEqual({ from: drawn.replacement?.line.from, to: drawn.line.to });
  });

  test("a revoked line ends where it was revoked", () => {
    const drawn = geometry({ life: { createdAt: at(-20), expiresAt: at(20), revokedAt: at(-10) } });
    expect(drawn.cut).toBe(drawn.line.to);
    expect(drawn.lived).toEqual(drawn.line);
    expect(drawn.line.to).toBeLessThan(50);
    expect(drawn.band).toBeUndefined();
    expect(drawn.tone).toBe("ended");
    expect(drawn.unlived).toEqual({ from: drawn.cut, to: 100 });
  });

  test("a line with a planned end runs up to it, and what it gives away is behind", () => {
    const drawn = geometry({
      life: { createdAt: at(-20), expiresAt: at(100), plannedRevocation: { at: at(2) } },
      replacement: { createdAt: at(-1), expiresAt: at(100) },
      reminders: [{ at: at(50), mark: "planned" }],
    });
    expect(drawn.band?.to).toBe(drawn.line.to);
    expect(drawn.unlived).toEqual({ from: drawn.line.to, to: 100 });
    expect(drawn.overlap).toEqual({ from: drawn.replacement?.line.from, to: drawn.line.to });
    expect([drawn.tone, drawn.cut, drawn.reminders]).toEqual(["urgent", undefined, []]);
    expect(drawn.now).toBe(drawn.lived.to);
  });

  test("a planned end that waits for the first use changes nothing, nor does the plan of a token revoked before", () => {
    const life = { createdAt: at(-20), expiresAt: at(20) };
    expect(geometry({ life: { ...life, plannedRevocation: { at: null } } })).toEqual(geometry({ life }));
    const revoked = { ...life, revokedAt: at(-1) };
    expect(geometry({ life: { ...revoked, plannedRevocation: { at: at(1) } } })).toEqual(
      geometry({ life: revoked }),
    );
  });

  test("a replacement that was revoked takes no more room than it lived", () => {
    const life = { createdAt: at(-20), expiresAt: at(20) };
    const drawn = geometry({
      life,
      replacement: { createdAt: at(-2), expiresAt: at(360), revokedAt: at(-1) },
    });
    expect(drawn.line).toEqual(geometry({ life }).line);
    expect(drawn.replacement?.cut).toBe(drawn.replacement?.line.to);
  });

  test("after the end there is no now, and no reminder without a place", () => {
    const drawn = geometry({
      life: { createdAt: at(-40), expiresAt: at(-10) },
      reminders: [{ at: at(-5), mark: "sent" }],
    });
    expect(drawn.now).toBeUndefined();
    expect(drawn.lived).toEqual({ from: 0, to: 100 });
    expect(drawn.reminders).toEqual([]);
  });

  test("the tone says how near the end is", () => {
    const tone = (left: number) => geometry({ life: { createdAt: at(-30), expiresAt: at(left) } }).tone;
    expect([tone(16), tone(15), tone(3), tone(0)]).toEqual(["good", "soon", "urgent", "ended"]);
  });

  test("stays finite for lives without length", () => {
    const drawn = geometry({
      life: { createdAt: at(0), expiresAt: at(0) },
      replacement: { createdAt: at(0), expiresAt: at(0) },
    });
    expect(Number.isFinite(drawn.line.to)).toBe(true);
  });
});

describe("the sentence of a lifeline", () => {
  const sentence = (input: Omit<Parameters<typeof lifelineSentence>[0], "now" | "timeZone">) =>
    lifelineSentence({ ...input, now, timeZone: "Asia/Kolkata" });

  test("says what the drawing shows", () => {
    expect(
      sentence({
        life: {
          createdAt: "2026-03-03T05:30:00.000Z",
          expiresAt: "2026-12-03T05:30:00.000Z",
          lastUsedAt: "2026-11-24T05:28:00.000Z",
        },
        reminders: [
          { at: "2026-11-24T03:30:00.000Z", mark: "sent" },
          { at: "2026-11-25T03:30:00.000Z", mark: "next" },
        ],
      }),
    ).toBe("Generated 3 Mar, last used 2 minutes ago, expires in 9 days, next reminder tomorrow 09:00.");
  });

  test("counts local days, not spans of 24 hours, and on the last of them the hours, as everywhere on the page", () => {
    const life = (expiresAt: string) => ({ createdAt: at(-30), expiresAt });
    // 23:00 UTC is already the 25th in Kolkata.
    expect(sentence({ life: life("2026-11-24T23:00:00.000Z") })).toContain("expires tomorrow");
    expect(sentence({ life: life("2026-11-24T06:30:00.000Z") })).toContain("expires in 1 hour");
    // At 22:00 the small hours of the next morning are not called a day away.
    const late = { life: life("2026-11-24T21:30:00.000Z"), now: Date.parse("2026-11-24T16:30:00.000Z") };
    expect(lifelineSentence({ ...late, timeZone: "Asia/Kolkata" })).toContain("expires in 5 hours");
  });

  test("tells of the end, a revocation and a replacement", () => {
    expect(sentence({ life: { createdAt: at(-30), expiresAt: at(-3) } })).toBe(
      "Generated 25 Oct, never used, expired 3 days ago.",
    );
    expect(
      sentence({ life: { createdAt: "2025-12-01T05:30:00.000Z", expiresAt: at(3), revokedAt: at(-1) } }),
    ).toBe("Generated 1 Dec 2025, never used, revoked yesterday at 11:00.");
    expect(
      sentence({ life: { createdAt: at(-1), expiresAt: at(30), plannedRevocation: { at: at(1) } } }),
    ).toBe("Generated yesterday, never used, ends as planned tomorrow at 11:00.");
    expect(
      sentence({
        life: { createdAt: at(-1), expiresAt: at(3) },
        replacement: { createdAt: at(0), expiresAt: at(364) },
      }),
    ).toBe(
      "Generated yesterday, never used, expires in 3 days, replaced by a token that expires in 364 days.",
    );
  });
});
