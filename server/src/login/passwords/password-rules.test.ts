import { beforeAll, describe, expect, it } from "vitest";
import { systemRandom } from "../../platform/random.ts";
import { type CommonPasswords, loadCommonPasswords } from "./common-passwords.ts";
import { createPasswordHasher } from "./password-hash.ts";
import { findPasswordFault, normalisePassword } from "./password-rules.ts";

let common: CommonPasswords;
beforeAll(async () => {
  common = await loadCommonPasswords();
});
const context = {
  name: "Asha Raghunathan",
  addresses: ["asha.raghunathan@mitrapay.example", "+919876543210"],
  fintechName: "Mitra Pay",
};
const faultOf = (password: string) => findPasswordFault(normalisePassword(password), context, common);

describe("the common-password list", () => {
  it("holds 250,000, the first and the last among them, and nothing else", () => {
    for (const word of ["123456", "password", "qwerty", "dragon", "letmein", "monkey"])
      expect(common.has(word)).toBe(true);
    for (const word of [
      "",
      "abc",
      "violet otter paints 7 kites",
      "zzzzzzzzzzzzzzzzzzzzz1x",
      "\n",
      "passwor\nd",
    ])
      expect(common.has(word)).toBe(false);
  });

  it("finds every one of its lines", async () => {
    const { readFile } = await import("node:fs/promises");
    const { brotliDecompressSync } = await import("node:zlib");
    const bytes = await readFile(new URL("./common-passwords.txt.br", import.meta.url));
    const words = brotliDecompressSync(bytes).toString("latin1").trimEnd().split("\n");
    expect(words.length).toBeGreaterThanOrEqual(100_000);
    expect(words.filter((word) => !common.has(word))).toEqual([]);
  });
});

describe("a new password", () => {
  it("has 15 to 128 characters, counted as people count them", () => {
    expect(faultOf("tulip boat 9 ru")).toBeNull();
    expect(faultOf("tulip boat 9 r")).toMatch(/14 characters; use at least 15/);
    expect(faultOf("🦊🐢🚲🌵🍋🎻🧭🪁🦑🧶🪵🧂🫖🪴🧊")).toBeNull();
    expect(faultOf("🦊🐢🚲🌵🍋🎻🧭🪁🦑🧶🪵🧂🫖🪴")).toMatch(/14 characters/);
    const long =
      "many words make a long pass phrase that no one will guess, and this one goes on about boats, rain, an old bridge, and the smell of".slice(
        0,
        129,
      );
    expect(faultOf(long)).toMatch(/at most 128/);
    expect(faultOf(long.slice(0, 128))).toBeNull();
  });

  it("needs no digits, capitals or signs, and may have any of them", () => {
    expect(faultOf("correct horse battery staple")).toBeNull();
    expect(faultOf("Ünïcödé är bra för alla")).toBeNull();
    expect(faultOf("9f$K!w8z#Lq2@Vx7")).toBeNull();
  });

  it("is refused when it is a common one, padded, repeated, spaced out or written with other signs", () => {
    for (const password of [
      "passwordpassword",
      "password1234567",
      "12345678password",
      "P@ssw0rd2026!!!!",
      "qwertyuiop123456",
      "q w e r t y u i o p 1 2",
      "iloveyou!!!!!!!!!!",
      "dragon-dragon-dragon",
      "Letmein20261124",
      "m o n k e y 1 2 3 4 5",
    ])
      expect(faultOf(password), password).not.toBeNull();
  });

  it("is refused when it is a sequence, a repetition or a handful of characters", () => {
    for (const password of [
      "123456789012345",
      "abcdefghijklmnop",
      "zyxwvutsrqponmlk",
      "asdfghjklzxcvbnm",
      "1qaz2wsx3edc4rfv",
      "abcabcabcabcabca",
      "aaaaaaaaaaaaaaaaa",
      "aabbaabbccaabbcc",
    ])
      expect(faultOf(password), password).not.toBeNull();
  });

  it("is refused when it is made of what is known about the person", () => {
    for (const password of [
      "asha.raghunathan",
      "AshaRaghunathan1",
      "raghunathan-asha-2026",
      "mitrapay.example",
      "MitraPay Fusion 26",
      "9876543210asha!",
      "fusion token management",
      "fusionfusionpassword",
    ])
      expect(faultOf(password), password).not.toBeNull();
    expect(faultOf("asha paints nine quiet boats")).toBeNull();
  });

  it("is refused with characters that cannot be typed again", () => {
    expect(faultOf("tulip boat\u0000nine ru")).toMatch(/cannot be typed/);
    expect(faultOf("tulip boat\ud800nine ru")).toMatch(/cannot be typed/);
  });

  it("means the same on keyboards that compose differently", () => {
    expect(normalisePassword("cafe\u0301 \uff11\uff12")).toBe(normalisePassword("café 12"));
  });
});

describe("password hashes", () => {
  const hasher = createPasswordHasher(systemRandom);

  it("are argon2id with 64 MiB, three passes and four lanes, salted anew each time", async () => {
    const first = await hasher.hash("tulip boat nine ru");
    expect(first).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$/);
    expect(await hasher.hash("tulip boat nine ru")).not.toBe(first);
    expect(await hasher.verify(first, "tulip boat nine ru")).toBe(true);
    expect(await hasher.verify(first, "tulip boat nine rx")).toBe(false);
    expect(hasher.isOutdated(first)).toBe(false);
    expect(hasher.isOutdated("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA")).toBe(true);
  });

  it("are checked for nobody as long as for somebody, with a no", async () => {
    expect(await hasher.verify(null, "tulip boat nine ru")).toBe(false);
  });

  it("turn away whoever comes when the queue is full, and serve the rest", async () => {
    const small = createPasswordHasher(systemRandom, { waitingMax: 2 });
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => small.verify(null, "x")));
    const refused = answers.filter((answer) => answer.status === "rejected");
    expect(refused).toHaveLength(2);
    expect(refused[0]?.reason).toMatchObject({ code: "login_busy" });
    expect(await small.verify(null, "x")).toBe(false);
  });
});
