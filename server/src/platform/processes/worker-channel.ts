import type { Socket } from "node:net";
import type { FromWorker, LeaveReason, ToWorker } from "./pool-messages.ts";

/** A worker's end of the channel to its pool. */
export interface WorkerChannel {
  /** The worker serves from now on: connections may come. */
  ready(handlers: { readonly take: (connection: Socket) => void }): void;
  /** Says why it cannot start. Resolves when the message is on its way. */
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
        // Sent before anything is read, so that exactly one process has the connection at any time.
        tell({ kind: "taken", id: message.id });
        // If the caller broke the connection off on the way, there is no handle.
        if (!handle) return tell({ kind: "closed" });
        (handle as Socket).once("close", () => tell({ kind: "closed" }));
        take?.(handle as Socket);
        return;
      case "figures":
        // A pool that gets no answer goes on without it.
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
  // The supervisor was killed. Nobody hands over connections any more, and the next start of the program needs the database for itself.
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

/** A pool that has gone receives nothing, which is not the worker's fault. */
function tell(message: FromWorker, done: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => done());
  else done();
}
