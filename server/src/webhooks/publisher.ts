import type { Clock } from "../platform/clock.ts";
import { systemScope } from "../platform/database/database.ts";
import { isConnectionFailure } from "../platform/http/problem.ts";
import type { Log } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import { type DeliverDeps, deliverDue } from "./deliver.ts";
import { listDueEndpoints } from "./delivery-store.ts";
import { findOldestInOutbox, planByIndexes } from "./event-store.ts";
import { createLanes } from "./lanes.ts";
import { forgetUnwanted, type PublishDeps, publishEvents, type RefusedRows } from "./publish-events.ts";

/** Publishes and delivers in the background. */
export interface Publisher {
  /** Looks for work every half second from now on. */
  start(): void;
  /** Publishes what there is room for, and delivers until nothing more is due to the endpoints for which there are lanes. */
  runOnce(): Promise<void>;
  /** The time of the oldest event without a delivery that somebody may be told of, as of the last look; undefined when none waits. */
  waitsSince(): Date | undefined;
  /** Takes no new work, aborts what is being sent (it is sent again later), and waits for the rest. */
  stop(): Promise<void>;
}

const pollMs = 500;
/**
 * How long to publish between two looks for what is due, so that a tenant with a backlog, or one that makes events as fast as they are
 * written, does not delay deliveries to others.
 */
const publishMsByDefault = 250;
/**
 * How many rows the database may refuse and have left out. When it refuses more, the rows themselves are not the cause, and publishing
 * stops.
 */
const refusedMax = 1_000;

/**
 * A slow endpoint holds up nobody else (lanes.ts). Any number of processes may run a publisher on one database: rows are claimed. It polls,
 * since a notification inside each commit would cost the transfers most of their throughput.
 */
export function createPublisher(deps: DeliverDeps & PublishDeps & { readonly log: Log }): Publisher {
  const stopping = new AbortController();
  const lanes = createLanes({
    clock: deps.clock,
    deliver: (endpointId, makesRoom) =>
      deliverDue(deps, endpointId, stopping.signal, { makesRoom }).catch((error: unknown) =>
        complain(error, "deliveries to a webhook stopped for now"),
      ),
  });
  let timer: NodeJS.Timeout | undefined;
  let oldest: Date | undefined;
  let looking: Promise<void> | undefined;
  let publishes = true;

  const refusedIds = new Set<string>();
  const refused: RefusedRows = {
    ids: refusedIds,
    leaveOut({ outboxId, tenant, name }, error) {
      if (refusedIds.size >= refusedMax) throw error;
      refusedIds.add(outboxId);
      deps.log.error(
        { err: error, part: "webhooks", outboxId, tenant, name },
        "what happened cannot be published; it is left out until the program is started again",
      );
    },
  };

  /** Returns whether there may be more to publish. */
  const publish = async (): Promise<boolean> => {
    const until = deps.clock.monotonicMs() + (deps.publishMs ?? publishMsByDefault);
    // Once per look and not in each of its transactions, most of which meet nothing unwanted.
    const forgotten = await forgetUnwanted(deps);
    let published: boolean;
    do published = await publishEvents(deps, refused);
    while (published && !stopping.signal.aborted && deps.clock.monotonicMs() < until);
    return published || forgotten;
  };

  /** Publishes, or logs that it fails: once, until it works again. Due deliveries go out in any case. */
  const publishOrComplain = async (): Promise<boolean> => {
    try {
      const more = await publish();
      publishes = true;
      return more;
    } catch (error) {
      if (publishes) complain(error, "events cannot be published for now");
      if (!isConnectionFailure(error)) publishes = false;
      return false;
    }
  };

  /** Returns whether to look again at once. */
  const look = async (): Promise<boolean> => {
    const more = await publishOrComplain();
    const due = await deps.db.transaction(systemScope, async (tx) => {
      await planByIndexes(tx);
      oldest = await findOldestInOutbox(tx);
      return listDueEndpoints(tx, deps.clock.now());
    });
    if (!stopping.signal.aborted) lanes.openFor(due);
    return more;
  };

  const complain = (error: unknown, what: string): void => {
    // The database is away or the program ends: the next look finds the same work.
    if (!stopping.signal.aborted && !isConnectionFailure(error))
      deps.log.error({ err: error, part: "webhooks" }, what);
  };

  const lookAndWait = (): void => {
    looking = look()
      .catch((error: unknown) => {
        complain(error, "webhooks could not be delivered for now");
        return false;
      })
      .then((more) => {
        if (!stopping.signal.aborted) timer = setTimeout(lookAndWait, more ? 0 : pollMs);
      });
  };

  return {
    start: lookAndWait,
    async runOnce() {
      while (await look()) {
        // Until nothing is left whose endpoints have room for more.
      }
      await lanes.ended();
    },
    waitsSince: () => oldest,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await looking;
      await lanes.ended();
    },
  };
}

/** Measures how far deliveries are behind what happens. */
export function measurePublisher(
  publisher: Pick<Publisher, "waitsSince">,
  clock: Clock,
  metrics: Pick<Metrics, "gauge">,
): void {
  metrics.gauge({
    name: "fusion_webhook_outbox_seconds",
    help: "How long the oldest event has waited of which no delivery is written yet, because those before it have not been told; 0 when none waits. Not of what waits for an endpoint that is disabled or suspended.",
    read: () => {
      const since = publisher.waitsSince();
      return since ? Math.max(0, (clock.now().getTime() - since.getTime()) / 1_000) : 0;
    },
  });
}
