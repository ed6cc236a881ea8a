// npm run bench:token-memory -- [--tokens 1000000]
//
// How many bytes a remembered token takes, measured by the heap after a collection and compared with what the memory counts for it
// (TOKEN_MEMORY_MIB).

import { parseArgs } from "node:util";
import { fromAnywhere } from "../server/src/access/ip-rules.ts";
import { createMemory } from "../server/src/leases/memory.ts";
import {
  type ApplicationId,
  type FintechId,
  type IfiId,
  newId,
  type TokenId,
} from "../server/src/platform/ids.ts";
import { systemRandom } from "../server/src/platform/random.ts";
import { createTokenCheck, type FoundToken } from "../server/src/tokens/check/check-token.ts";

const { values: options } = parseArgs({ options: { tokens: { type: "string", default: "1000000" } } });
const tokens = Number(options.tokens);
const applications = 100;
const { gc } = globalThis;
if (!gc) throw new Error("Run with --expose-gc.");

const memory = createMemory<FoundToken>({ bytesMax: Number.MAX_SAFE_INTEGER });
const expiresAt = Date.now() + 86_400_000;
const withoutLists = { application: fromAnywhere, token: fromAnywhere };
let made = 0;
const check = createTokenCheck({
  memory,
  nodes: { untilAllKnow: async () => ({ confirmed: 0, total: 0 }) },
  node: {
    lease: { holds: () => true, databaseMs: Date.now, leftMs: () => 1_000 },
    epoch: () => 0,
    untilLease: async () => undefined,
  },
  // Every string and object is newly made, as if it came from the database.
  readToken: async () => {
    const at = made % applications;
    made += 1;
    return {
      epoch: 0,
      found: {
        tokenId: copied(newId(systemRandom, "tok")) as TokenId,
        applicationId: copied(`app_${String(at).padStart(20, "0")}`) as ApplicationId,
        tenant: {
          ifiId: copied("140793") as IfiId,
          environment: "live",
          fintechId: copied(`7d1a7c39-5c4e-4b07-9c4f-${String(at % 10).padStart(12, "0")}`) as FintechId,
        },
        clientId: copied(`client-${at % 10}`),
        scopes: ["accounts:read", "transfers:read", "transfers:write"].map(copied),
        issuedAtMs: expiresAt - made,
        addresses: withoutLists,
        policy: copied("0/0"),
        expiresAtMs: expiresAt + made,
        expires: new Date(expiresAt + made).toISOString(),
        refusal: null,
      },
    };
  },
});

for (let each = 0; each < 1_000; each += 1) await check.check(`warm up ${each}`);
memory.reset(0);
gc();
const before = process.memoryUsage().heapUsed;
for (let each = 0; each < tokens; each += 1) await check.check(`secret ${each}`);
gc();
const ours = (process.memoryUsage().heapUsed - before) / tokens;
const theirs = memory.size.bytes / memory.size.tokens;
const ratio = ours / theirs;
const line = {
  figure: `bytes of a remembered token, and what is counted for it (${tokens} tokens)`,
  ours: Math.round(ours),
  theirs: Math.round(theirs),
  unit: "B",
  ratio: Number(ratio.toPrecision(4)),
  goal: { atLeast: 0.9, atMost: 1.1 },
  holds: ratio >= 0.9 && ratio <= 1.1,
};
process.stdout.write(`${JSON.stringify(line)}\n`);

/** The same text as a new string. */
function copied(text: string): string {
  return Buffer.from(text).toString();
}
