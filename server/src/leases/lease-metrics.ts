import type { Metrics } from "../platform/metrics.ts";
import type { Memory } from "./memory.ts";
import type { Node } from "./node.ts";

/** Measures this process's lease and memory. Reading these figures asks nobody, so they are there while the database is away. */
export function measureLease(
  node: Pick<Node, "epoch" | "lease" | "nodesSeen">,
  memory: Pick<Memory<unknown>, "size">,
  metrics: Pick<Metrics, "gauge">,
): void {
  metrics.gauge({
    name: "fusion_lease_left_seconds",
    help: "For how long this process may still answer from memory; 0 without a lease.",
    read: () => node.lease.leftMs() / 1_000,
  });
  metrics.gauge({
    name: "fusion_lease_epoch",
    help: "The epoch up to which this process has forgotten what revocations and other narrowings concern.",
    read: () => node.epoch(),
  });
  metrics.gauge({
    name: "fusion_nodes",
    help: "Processes that answer for tokens, as this one last saw them; each revocation waits up to 2.2 s for the silent ones.",
    labels: ["state"],
    read: () => [
      { labels: { state: "live" }, value: node.nodesSeen().live },
      { labels: { state: "silent" }, value: node.nodesSeen().silent },
    ],
  });
  metrics.gauge({
    name: "fusion_token_memory_tokens",
    help: "Tokens remembered.",
    labels: ["state"],
    read: () => [
      { labels: { state: "live" }, value: memory.size.tokens },
      { labels: { state: "refused" }, value: memory.size.refused },
    ],
  });
  metrics.gauge({
    name: "fusion_token_memory_bytes",
    help: "What the remembered tokens take, as counted against TOKEN_MEMORY_MIB.",
    read: () => memory.size.bytes,
  });
}
