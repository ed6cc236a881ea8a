import { createKeys, type Keys } from "../platform/keys.ts";
import { systemRandom } from "../platform/random.ts";

export const testRootKey: Buffer = Buffer.alloc(32, 7);

/** The keys of every test that does not bring its own. */
export const testKeys: Keys = createKeys(testRootKey, systemRandom);
