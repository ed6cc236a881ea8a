import { createHmac, randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { hmacSha256 } from "./keys.ts";

it("makes the MACs of RFC 2104, for texts of any length", () => {
  for (const length of [0, 1, 31, 63, 64, 65, 1_000]) {
    const key = randomBytes(32);
    const text = "ä".repeat(length);
    expect(hmacSha256(key)(text)).toEqual(createHmac("sha256", key).update(text).digest());
  }
});
