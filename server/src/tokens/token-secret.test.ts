import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemRandom } from "../platform/random.ts";
import { checksumOf, generateSecret, hashSecret, hintOf, isWellFormedSecret } from "./token-secret.ts";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

describe("the form of a secret", () => {
  it("is the prefix of its environment, 30 random characters and 6 of checksum", () => {
    expect(generateSecret(systemRandom, "live")).toMatch(/^fus_live_[0-9A-Za-z]{36}$/);
    expect(generateSecret(systemRandom, "sandbox")).toMatch(/^fus_test_[0-9A-Za-z]{36}$/);
  });

  it("has the CRC-32/ISO-HDLC of what precedes, in base62, left-padded", () => {
    // The catalogue's check value of CRC-32/ISO-HDLC is cbf43926 = 3421780262.
    const value = [...checksumOf("123456789")].reduce((sum, digit) => sum * 62 + alphabet.indexOf(digit), 0);
    expect(value).toBe(0xcbf43926);
    expect(checksumOf("123456789")).toBe("3jZRME");
    expect(checksumOf("")).toBe("000000");
    expect(isWellFormedSecret(`fus_live_${"0".repeat(30)}${checksumOf(`fus_live_${"0".repeat(30)}`)}`)).toBe(
      true,
    );
  });

  it("accepts every generated secret and no secret with any one character changed", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("live" as const, "sandbox" as const),
        fc.nat({ max: 44 }),
        fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
        (environment, position, character) => {
          const secret = generateSecret(systemRandom, environment);
          expect(isWellFormedSecret(secret)).toBe(true);
          const flipped = secret.slice(0, position) + character + secret.slice(position + 1);
          expect(isWellFormedSecret(flipped)).toBe(flipped === secret);
        },
      ),
      { numRuns: 2_000 },
    );
    // And all of them, within the alphabet, for one secret.
    const secret = generateSecret(systemRandom, "live");
    for (let position = 0; position < secret.length; position += 1) {
      for (const character of `${alphabet}_`) {
        const flipped = secret.slice(0, position) + character + secret.slice(position + 1);
        expect(isWellFormedSecret(flipped)).toBe(flipped === secret);
      }
    }
  });

  it("refuses any other text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => !isWellFormedSecret(text)),
      { numRuns: 2_000 },
    );
    const secret = generateSecret(systemRandom, "live");
    for (const text of [`${secret} `, ` ${secret}`, `${secret}\n`, secret.slice(1), secret.toUpperCase()])
      expect(isWellFormedSecret(text)).toBe(false);
  });
});

describe("what is kept of a secret", () => {
  it("is its SHA-256 and a hint of the prefix and the last four characters", () => {
    expect(hashSecret("abc").toString("hex")).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    const secret = generateSecret(systemRandom, "live");
    expect(hintOf(secret)).toBe(`fus_live_…${secret.slice(41)}`);
  });

  it("never repeats in 20,000 secrets and uses every character evenly", () => {
    const seen = new Set<string>();
    const counts = new Map<string, number>();
    for (let run = 0; run < 20_000; run += 1) {
      const secret = generateSecret(systemRandom, "live");
      seen.add(secret);
      for (const character of secret.slice(9, 39)) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    expect(seen.size).toBe(20_000);
    expect(counts.size).toBe(62);
    const expected = (20_000 * 30) / 62;
    for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(expected * 0.06);
  });
});
