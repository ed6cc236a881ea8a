// What a pool and its workers tell each other over the channel between parent and child.

/** From the pool to a worker. */
export type ToWorker =
  /** Comes with the connection itself. */
  | { readonly kind: "connection"; readonly id: number }
  | { readonly kind: "figures"; readonly id: number }
  /** To be answered with `alive`, and in turn: who has heard it has heard whatever was told before. */
  | { readonly kind: "alive?"; readonly id: number }
  | { readonly kind: "leave"; readonly reason: LeaveReason };

/** From a worker to its pool. */
export type FromWorker =
  | { readonly kind: "ready" }
  /** It cannot start, and ends; the sentence is for the person at the terminal. */
  | { readonly kind: "unable"; readonly sentence: string }
  /** The connection of this id is the worker's now; nothing was read from it yet. */
  | { readonly kind: "taken"; readonly id: number }
  /** A connection that it had taken has ended. */
  | { readonly kind: "closed" }
  | { readonly kind: "figures"; readonly id: number; readonly text: string }
  | { readonly kind: "alive"; readonly id: number }
  /** What its part of the job queue is called there, so that the jobs it held can be given back if it dies. */
  | { readonly kind: "holds-jobs-as"; readonly names: readonly string[] };

/** `replaced`: another one serves in its place. `stopping`: the whole program ends. */
export type LeaveReason = "replaced" | "stopping";
