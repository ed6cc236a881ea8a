import type { Socket } from "node:net";
import type { FromWorker, LeaveReason, ToWorker } from "./pool-messages.ts";

/** A worker's end of the channel to its pool. */
export interface WorkerChannel {
  /** Serves from now on: connections may come. */
  ready(handlers: { readonly take: (connection: Socket) => void }): void;
  /** Says why it cannot start. Resolves when that is on its way. */
  unable(sentence: string): Promise<void>;
  holdsJobsAs(names: readonly string[]): void;
}

/**
 * Joins the pool that has started this process. `leave` is called once, when the pool says so or has gone. Throws in a process that no pool
 * started.
 */
export function joinPool({
  figures,
  leave,
}: {
  readonly figures: () => Promise<string>;
  readonly leave: (reason: LeaveReason) => void;
}): WorkerChannel {
  if (!process.send) throw new Error("This process was not started by a pool of workers.");
  let take: ((connection: Socket) => void) | undefined;
  let left = false;
  const leaveOnce = (reason: LeaveReason): void => {
    if (!left) leave(reason);
    left = true;
  };
  process.on("message", (message: ToWorker, handle?: unknown) => {
    switch (message.kind) {
      case "connection":
        // Said before anything is read, so that a connection is never in two hands nor in none.
        tell({ kind: "taken", id: message.id });
        // One that its caller broke off on the way arrives as nothing.
        if (!handle) return tell({ kind: "closed" });
        (handle as Socket).once("close", () => tell({ kind: "closed" }));
        take?.(handle as Socket);
        return;
      case "figures":
        // Whoever gets no answer goes on without.
        void figures().then(
          (text) => tell({ kind: "figures", id: message.id, text }),
          () => undefined,
        );
        return;
      case "alive?":
        tell({ kind: "alive", id: message.id });
        return;
      case "leave":
        leaveOnce(message.reason);
        return;
      default:
        message satisfies never;
    }
  });
  // The supervisor was killed. Nobody hands over connections any more, and whoever starts the program again needs the database alone.
  process.on("disconnect", () => leaveOnce("replaced"));
  return {
    ready(handlers) {
      take = handlers.take;
      tell({ kind: "ready" });
    },
    unable: (sentence) => new Promise((resolve) => tell({ kind: "unable", sentence }, resolve)),
    holdsJobsAs: (names) => tell({ kind: "holds-jobs-as", names }),
  };
}

/** A pool that has gone hears nothing, which is no fault of the worker. */
function tell(message: FromWorker, done: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => done());
  else done();
}
