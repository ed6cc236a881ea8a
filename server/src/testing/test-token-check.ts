import { joinNodes } from "../leases/join-nodes.ts";
import { createMemory } from "../leases/memory.ts";
import { systemClock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { createTokenCheck, type FoundToken } from "../tokens/check/check-token.ts";
import { readTokensFrom } from "../tokens/check/read-tokens.ts";

/** A node of the test file's own, with the check of tokens; close it before the database is dropped. */
export function createTestTokenCheck(db: Database) {
  const memory = createMemory<FoundToken>({ bytesMax: 1_048_576 });
  const { node, nodes } = joinNodes({
    db,
    clock: systemClock,
    random: systemRandom,
    log: silentLog(),
    memory,
    name: "test",
  });
  return {
    tokenCheck: createTokenCheck({ readToken: readTokensFrom(db), node, nodes, memory }),
    node,
    nodes,
    memory,
    close: () => node.close(),
  };
}
