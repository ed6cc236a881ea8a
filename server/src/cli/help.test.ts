import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runTestCommand } from "../testing/test-command-line.ts";

/** Without a database, which help does not ask for. */
const fusion = (...words: string[]) => runTestCommand({ words, environment: {} });

describe("help", () => {
  it("lists every group with examples, and is asked for without a database", async () => {
    const { code, out } = await fusion("--help");
    expect(code).toBe(0);
    for (const word of [
      "ifi",
      "fintech",
      "application",
      "user",
      "access",
      "bundle",
      "funding-account",
      "tokens",
      "reminders",
      "password-reset",
      "ledger",
      "limits",
      "Examples:",
      "Exit codes:",
    ])
      expect(out).toContain(word);
  });

  it.each([
    "ifi create",
    "ifi list",
    "fintech create",
    "fintech list",
    "fintech set",
    "application create",
    "user create",
    "user list",
    "user set-phone",
    "user set-email",
    "access grant",
    "access revoke",
    "bundle create",
    "funding-account create",
    "tokens list",
    "tokens revoke",
    "reminders preview",
    "password-reset list",
    "password-reset approve",
    "ledger verify",
    "limits product",
    "limits kyc",
    "limits list",
  ])("of %s has an example and --json", async (words) => {
    const { code, out } = await fusion(...words.split(" "), "--help");
    expect(code).toBe(0);
    expect(out).toContain(`$ fusion ${words}`);
    expect(out).toContain("--json");
  });

  it("marks what must be given", async () => {
    const { out } = await fusion("user", "create", "--help");
    // Long descriptions go over two lines.
    const options = out.split(/\n(?= {2}-)/).filter((option) => option.includes("required"));
    expect(options.map((option) => /--[a-z]+/.exec(option)?.[0])).toEqual([
      ...["--name", "--role", "--fintech", "--email"],
    ]);
    expect((await fusion("tokens", "revoke", "--help")).out).toMatch(/--reason <reason> .*\(required\)/s);
    expect((await fusion("tokens", "list", "--help")).out).not.toContain("(required");
  });

  it("is shown, as wrong usage, for a group or nothing alone", async () => {
    for (const words of [[], ["tokens"]]) {
      const { code, err } = await fusion(...words);
      expect(code).toBe(2);
      expect(err).toContain("Usage: fusion");
      expect(err).not.toContain("(outputHelp)");
      const asJson = await fusion(...words, "--json");
      expect(JSON.parse(asJson.err)).toEqual({ error: { code: "usage", message: "a command is missing" } });
    }
  });

  it("the version is printed, which is the product's", async () => {
    const manifest = readFileSync(join(import.meta.dirname, "../../../package.json"), "utf8");
    expect(await fusion("--version")).toMatchObject({ code: 0, out: `${JSON.parse(manifest).version}\n` });
  });
});
