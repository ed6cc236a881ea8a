import { hash } from "node:crypto";
import { LeaseUnavailable } from "../../leases/errors.ts";
import type { Memory } from "../../leases/memory.ts";
import type { Node } from "../../leases/node.ts";
import type { Nodes } from "../../leases/nodes.ts";
import { applicationSubject, fintechSubject } from "../../leases/subject.ts";
import { untilRefusedEverywhere } from "../refused-everywhere.ts";
import type { FoundToken, TokenReading } from "../token-store.ts";

export type { FoundToken };

/**
 * The only way for anything but a writing transaction to learn whether a token is valid: from this process's memory while it holds a lease,
 * filled from the database. Secrets are well formed (`presented-secret.ts`). A revoked token is refused from the moment its revoke has
 * returned, here and on every other node; expiry is decided by the database's time.
 */
export interface TokenCheck {
  /**
   * What is known of the token with this secret, and in `refusal` why it is refused, if it is. Undefined when there is no such token.
   * Throws {@link LeaseUnavailable} when that cannot be known.
   */
  check(secret: string): Promise<FoundToken | undefined>;
  /** {@link check} without waiting: undefined when memory does not know. */
  checkNow(secret: string): { readonly found: FoundToken | undefined } | undefined;
}

/** Asks the primary, never a replica, for the token with this hash. */
export type ReadToken = (secretHash: Buffer) => Promise<TokenReading>;

type TokenMemory = Memory<FoundToken>;

/** A reading that a narrowing overtook is repeated; after this many readings, something is wrong. */
const readingsMax = 5;

export function createTokenCheck({
  readToken,
  node,
  nodes,
  memory,
}: {
  readonly readToken: ReadToken;
  readonly node: Pick<Node, "lease" | "epoch" | "untilLease">;
  readonly nodes: Pick<Nodes, "untilAllKnow">;
  readonly memory: TokenMemory;
}): TokenCheck {
  const { lease } = node;
  const share = createSharing();
  /** Readings under way. A caller that wants the same token meanwhile shares the reading, and checks its own lease afterwards. */
  const filling = new Map<string, Promise<FoundToken | undefined>>();

  const fill = async (key: string): Promise<FoundToken | undefined> => {
    for (let readings = 0; readings < readingsMax; readings += 1) {
      const known = node.epoch();
      const { resets } = memory;
      const reading = await readToken(Buffer.from(key, "base64url"));
      const { epoch } = reading;
      const found = reading.found && share(reading.found);
      // A server that was the primary once still answers; it has not seen what this node has.
      if (epoch < known) throw new LeaseUnavailable();
      // A token is refused as revoked only when no node accepts it any more, so that once it was refused, every node refuses it from then
      // on.
      if (found?.refusal === "token_revoked") await untilRefusedEverywhere(nodes, epoch);
      // The reading is from before a reset of memory, which may have come during the wait for the nodes.
      if (memory.resets !== resets) continue;
      const kept = memory.fill(key, {
        facts: found,
        epoch,
        groups: found ? [applicationSubject(found.applicationId), fintechSubject(found.tenant)] : [],
        refused: asOfNow(found)?.refusal !== null,
        bytes: found ? bytesOf(found) : 0,
      });
      if (kept === "kept") return found;
    }
    throw new LeaseUnavailable();
  };
  const read = (key: string): Promise<FoundToken | undefined> => {
    let reading = filling.get(key);
    if (!reading) {
      reading = fill(key).finally(() => filling.delete(key));
      filling.set(key, reading);
    }
    return reading;
  };
  /** Tokens that expired while they were remembered: one object each, which carries the counters of its use. */
  const ended = new WeakMap<FoundToken, FoundToken>();
  const endedOf = (found: FoundToken): FoundToken => {
    let known = ended.get(found);
    if (!known) {
      known = { ...found, refusal: "token_expired", counter: undefined };
      ended.set(found, known);
    }
    return known;
  };
  /** Refuses the token when it has expired by the database's clock, read at this moment: a failover may have set that clock right. */
  const asOfNow = (found: FoundToken | undefined): FoundToken | undefined =>
    found !== undefined && found.refusal !== "token_revoked" && lease.databaseMs() >= found.expiresAtMs
      ? endedOf(found)
      : found;
  const recall = (key: string): { readonly found: FoundToken | undefined } | undefined => {
    if (!lease.holds()) return undefined;
    const known = memory.find(key);
    return known && { found: asOfNow(known.facts) };
  };

  return {
    checkNow: (secret) => recall(keyOf(secret)),
    async check(secret) {
      const key = keyOf(secret);
      for (let attempts = 0; attempts < readingsMax; attempts += 1) {
        const known = recall(key);
        if (known) return known.found;
        await node.untilLease();
        const found = await read(key);
        // While it was read the lease may have run out, and with it the knowledge of what happened since.
        if (lease.holds()) return asOfNow(found);
      }
      throw new LeaseUnavailable();
    },
  };
}

/** The name of a token in memories: the SHA-256 of its secret, in base64url. */
function keyOf(secret: string): string {
  return hash("sha256", secret, "base64url");
}

/** What tokens with the same scopes for the same application share; it never changes. */
type Shared = Pick<FoundToken, "applicationId" | "tenant" | "clientId" | "scopes">;

const sharedMax = 10_000;

/** Keeps one copy of what tokens share: memories hold a million tokens of a hundred applications. */
function createSharing(): (found: FoundToken) => FoundToken {
  const known = new Map<string, Shared>();
  return (found) => {
    const { applicationId, tenant, clientId, scopes } = found;
    const key = `${applicationId} ${scopes.join(" ")}`;
    let shared = known.get(key);
    if (!shared) {
      if (known.size >= sharedMax) known.clear();
      shared = { applicationId, tenant, clientId, scopes };
      known.set(key, shared);
    }
    // All members from the beginning, so that all tokens have the same shape.
    return { ...found, ...shared, counter: undefined, callers: undefined, callersOf: 0 };
  };
}

/**
 * Bytes that a token has for itself: its object, its id, its beginning and end. Measured with a million tokens (`npm run
 * bench:token-memory`).
 */
const factsBytes = 250;

function bytesOf(found: FoundToken): number {
  const { application, token } = found.addresses;
  const ranges = application.v4.length + application.v6.length + token.v4.length + token.v6.length;
  return factsBytes + ranges * 8;
}
