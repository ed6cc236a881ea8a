import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemRandom } from "../platform/random.ts";
import { generateSecret, isWellFormedSecret } from "./token-secret.ts";

// Runs what docs/reference/services/40-token-format.md publishes for scanners, exactly as it is written there.

const page = readFileSync(
  join(import.meta.dirname, "../../../docs/reference/services/40-token-format.md"),
  "utf8",
);
const block = (language: string): string =>
  new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\n\`\`\``).exec(page)?.[1] ?? "";
const expression = new RegExp(block("regex"), "g");
const { isToken } = (await import(`data:text/javascript,${encodeURIComponent(block("js"))}`)) as {
  isToken: (text: string) => boolean;
};

describe("the published format", () => {
  it("finds every token in a text, whole, and the rule accepts it", () => {
    for (let turn = 0; turn < 2_000; turn += 1) {
      const secret = generateSecret(systemRandom, turn % 2 === 0 ? "live" : "sandbox");
      for (const text of [secret, `TOKEN=${secret}\n`, `{"token":"${secret}"}`, `https://x:${secret}@host`])
        expect(text.match(expression)).toEqual([secret]);
      expect(isToken(secret)).toBe(true);
    }
  });

  it("rejects what the server would", () => {
    const secret = generateSecret(systemRandom, "live");
    expect(`${secret}a`.match(expression)).toBeNull();
    expect(`x${secret}`.match(expression)).toBeNull();
    for (let at = 9; at < secret.length; at += 1) {
      const changed = `${secret.slice(0, at)}${secret[at] === "a" ? "b" : "a"}${secret.slice(at + 1)}`;
      expect([isToken(changed), isWellFormedSecret(changed)]).toEqual([false, false]);
    }
  });
});
