import { type Database, systemScope } from "../../platform/database/database.ts";
import { oncePerTurn } from "../../platform/once-per-turn.ts";
import { readTokensByHash, type TokenReading } from "../token-store.ts";
import type { ReadToken } from "./check-token.ts";

interface Asked {
  readonly secretHash: Buffer;
  readonly resolve: (reading: TokenReading) => void;
  readonly reject: (error: unknown) => void;
}

/** More than one, so that a connection that hangs delays only the tokens that were asked of it. */
const readingsAtOnce = 2;
const hashesMax = 256;
/** Others stop waiting for a reading that takes longer than this, perhaps on a connection that broke silently. */
const overdueMs = 1_000;
/**
 * A reading that takes this long is abandoned, and its connection with it: TCP alone would keep everyone who asks for these tokens waiting
 * for a quarter of an hour.
 */
const answerMs = 5_000;

/**
 * Reads tokens from the primary, in batches: the next reading takes everything that was asked for while others were under way. So a flood
 * of secrets that nobody has, or the first calls after a start, cost the database one statement for many of them; a single one waits for
 * nothing.
 */
export function readTokensFrom(db: Pick<Database, "reader">): ReadToken {
  let waiting: Asked[] = [];
  let running = 0;

  const startSoon = oncePerTurn(() => {
    while (running < readingsAtOnce && waiting.length > 0) {
      const asked = waiting.slice(0, hashesMax);
      waiting = waiting.slice(hashesMax);
      void read(asked);
    }
  });
  const read = async (asked: readonly Asked[]): Promise<void> => {
    running += 1;
    let isCounted = true;
    const letOthersRun = (): void => {
      if (!isCounted) return;
      isCounted = false;
      running -= 1;
      startSoon();
    };
    const overdue = setTimeout(letOthersRun, overdueMs).unref();
    try {
      const hashes = asked.map(({ secretHash }) => secretHash);
      const readings = await readTokensByHash(db.reader(systemScope, { answerMs }), hashes);
      for (const [at, { resolve }] of asked.entries()) resolve(readings[at] as TokenReading);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
    clearTimeout(overdue);
    letOthersRun();
  };

  return (secretHash) =>
    new Promise((resolve, reject) => {
      waiting.push({ secretHash, resolve, reject });
      startSoon();
    });
}
