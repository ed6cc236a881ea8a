import { systemScope } from "../platform/database/database.ts";
import { isConnectionFailure } from "../platform/http/problem.ts";
import type { Log } from "../platform/log.ts";
import { type DeliverDeps, deliverDue } from "./deliver.ts";
import { listDueEndpoints } from "./delivery-store.ts";
import { type PublishDeps, publishEvents } from "./publish-events.ts";

/** Publishes and delivers in the background. */
export interface Publisher {
  /** Looks for work every half second from now on. */
  start(): void;
  /** Looks once and waits until nothing more is due. */
  runOnce(): Promise<void>;
  /** Takes no new work, breaks off what is being sent (it is sent again later), and waits for the rest. */
  stop(): Promise<void>;
}

const pollMs = 500;
/** Endpoints that are delivered to at the same time in this process. */
const lanesMax = 128;

/**
 * Each endpoint has a lane of its own, so that a slow one holds up nobody else. Any number of processes may run one on a database: rows are
 * claimed. Nothing wakes it: a notification inside each commit would cost the transfers most of their throughput.
 */
export function createPublisher(deps: DeliverDeps & PublishDeps & { readonly log: Log }): Publisher {
  const stopping = new AbortController();
  const lanes = new Map<string, Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    while (!stopping.signal.aborted && (await publishEvents(deps))) {
      // Until there are none left whose endpoints have room for more.
    }
    for (const endpointId of await deps.db.transaction(systemScope, (tx) =>
      listDueEndpoints(tx, deps.clock.now()),
    )) {
      if (stopping.signal.aborted || lanes.size >= lanesMax) break;
      if (!lanes.has(endpointId)) openLane(endpointId);
    }
  };

  const openLane = (endpointId: string): void => {
    const lane = deliverDue(deps, endpointId, stopping.signal)
      .catch((error: unknown) => complain(error, "deliveries to a webhook stopped for now"))
      .finally(() => lanes.delete(endpointId));
    lanes.set(endpointId, lane);
  };

  const complain = (error: unknown, what: string): void => {
    // The database is away or the program ends: the next look finds the same work.
    if (!stopping.signal.aborted && !isConnectionFailure(error))
      deps.log.error({ err: error, part: "webhooks" }, what);
  };

  const lookAndWait = (): void => {
    looking = look()
      .catch((error: unknown) => complain(error, "events could not be published for now"))
      .then(() => {
        if (!stopping.signal.aborted) timer = setTimeout(lookAndWait, pollMs);
      });
  };

  return {
    start: lookAndWait,
    async runOnce() {
      await look();
      await Promise.all(lanes.values());
    },
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await looking;
      await Promise.all(lanes.values());
    },
  };
}
