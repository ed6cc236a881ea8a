// The messages between a pool and its workers, over the channel between parent and child.

/** From the pool to a worker. */
export type ToWorker =
  /** Accompanies the connection itself. */
  | { readonly kind: "connection"; readonly id: number }
  | { readonly kind: "figures"; readonly id: number }
  /** To be answered with `alive`, and in order: the answer shows that all earlier messages were received as well. */
  | { readonly kind: "alive?"; readonly id: number }
  | { readonly kind: "leave"; readonly reason: LeaveReason };

/** From a worker to its pool. */
export type FromWorker =
  | { readonly kind: "ready" }
  /** It cannot start, and ends; the sentence is for the person at the terminal. */
  | { readonly kind: "unable"; readonly sentence: string }
  /** The worker has taken the connection with this id; nothing was read from it yet. */
  | { readonly kind: "taken"; readonly id: number }
  /** A connection that it had taken has ended. */
  | { readonly kind: "closed" }
  | { readonly kind: "figures"; readonly id: number; readonly text: string }
  | { readonly kind: "alive"; readonly id: number }
  /** The names under which it holds jobs of the queue, so that they can be given back if it dies. */
  | { readonly kind: "holds-jobs-as"; readonly names: readonly string[] };

/** `replaced`: another worker serves in its place. `stopping`: the whole program ends. */
export type LeaveReason = "replaced" | "stopping";
