import { createPasswordHasher, type PasswordHasher } from "../login/passwords/password-hash.ts";
import { systemRandom } from "../platform/random.ts";

/** Hashes in a millisecond: tests log in a thousand times, and the cost of a real hash has a test of its own. */
export const quickPasswords = (): PasswordHasher =>
  createPasswordHasher(systemRandom, { cost: { memoryCost: 64, timeCost: 1, parallelism: 1 } });
