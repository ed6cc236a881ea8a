import { createHmac, hkdfSync } from "node:crypto";
import { expect, it } from "vitest";
import { createKeys } from "./keys.ts";
import { systemRandom } from "./random.ts";

it("makes the MACs of RFC 2104 under a key derived for the purpose, for texts of any length", () => {
  const root = systemRandom.bytes(32);
  const keys = createKeys(root, systemRandom);
  const derived = Buffer.from(hkdfSync("sha256", root, "", "fusion/otp", 32));
  for (const length of [0, 1, 31, 63, 64, 65, 1_000]) {
    const text = "ä".repeat(length);
    expect(keys.mac("otp", text)).toEqual(createHmac("sha256", derived).update(text).digest());
  }
});
