import { createKeys, type Keys } from "../platform/keys.ts";
import { systemRandom } from "../platform/random.ts";

/** The keys of every test that does not bring its own. */
export const testKeys: Keys = createKeys(Buffer.alloc(32, 7), systemRandom);
