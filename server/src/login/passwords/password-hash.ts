import { hash, verify } from "@node-rs/argon2";
import type { Random } from "../../platform/random.ts";
import { LoginBusy } from "../errors.ts";

/** The cost of a hash; memory in KiB. */
export interface PasswordCost {
  readonly memoryCost: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

/** RFC 9106 section 4, second recommended option: 64 MiB, three passes, four lanes. argon2id is the library's default. */
const recommendedCost: PasswordCost = { memoryCost: 65_536, timeCost: 3, parallelism: 4 };

/** At most 4 x 64 MiB at once; further callers wait in order. */
const runningMax = 4;

export interface PasswordHasher {
  /** PHC string format. */
  hash(password: string): Promise<string>;
  /** Takes equally long when there is no hash, and returns false. Throws {@link LoginBusy} when too many callers wait. */
  verify(phc: string | null, password: string): Promise<boolean>;
  /** Whether it was made with other parameters than today's. */
  isOutdated(phc: string): boolean;
}

/**
 * `waitingMax`: callers beyond this many waiting ones are turned away, since the wait would outlast the request. `cost`: a lower cost than
 * passwords deserve, for tests that log in again and again.
 */
export function createPasswordHasher(
  random: Random,
  { waitingMax = 60, cost = recommendedCost } = {},
): PasswordHasher {
  const parameters = { ...cost, outputLen: 32 };
  const phcStart = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$`;
  let running = 0;
  const waiting: (() => void)[] = [];
  let noOnesHash: string | undefined;

  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running < runningMax) running += 1;
    else {
      if (waiting.length >= waitingMax) throw new LoginBusy();
      // A caller that finishes hands its place over, so `running` stays as it is.
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };

  return {
    hash: (password) => inTurn(() => hash(password, { ...parameters, salt: random.bytes(16) })),
    verify: (phc, password) =>
      inTurn(async () => {
        if (phc !== null) return verify(phc, password);
        noOnesHash ??= await hash(random.bytes(16).toString("hex"), parameters);
        await verify(noOnesHash, password);
        return false;
      }),
    isOutdated: (phc) => !phc.startsWith(phcStart),
  };
}
