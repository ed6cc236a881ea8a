import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { newId } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import type { Random } from "../platform/random.ts";
import { leaseMs } from "./lease.ts";
import { leaseConnections } from "./lease-connection.ts";
import { readRenewedMs } from "./lease-store.ts";
import { createNode, type Node, type NodeDependencies } from "./node.ts";
import { createNodes, type Nodes } from "./nodes.ts";

/**
 * Makes this process one of the nodes. It may answer from `memory` while its lease holds, and a narrowing, made here or elsewhere, waits
 * until it has forgotten.
 */
export function joinNodes({
  db,
  clock,
  random,
  log,
  memory,
  name,
}: Pick<NodeDependencies, "clock" | "log" | "memory" | "name"> & {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}): { readonly node: Node; readonly nodes: Nodes } {
  const nodes = createNodes({ db, clock, knownEpoch: () => node.epoch() });
  const node: Node = createNode({
    clock,
    log,
    memory,
    name,
    newNodeId: () => newId<string>(random, "nod"),
    openConnection: leaseConnections(() => db.connectApart(leaseMs)),
    readRenewedMs: (nodeId) => readRenewedMs({ query: db.queryUnscoped }, nodeId),
    noteFailure: db.noteFailure,
    onAcknowledged: () => nodes.wake(),
  });
  return { node, nodes };
}
