import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { App, Parts } from "./app.ts";
import type { Config } from "./config.ts";
import { systemClock } from "./platform/clock.ts";
import type { Database } from "./platform/database/database.ts";
import type { DurabilityWatch } from "./platform/database/high-availability.ts";
import { endsInTime } from "./platform/ends-in-time.ts";
import { type Connections, trackConnections } from "./platform/http/connections.ts";
import { fetchText } from "./platform/http/outgoing.ts";
import type { Keys } from "./platform/keys.ts";
import type { Log } from "./platform/log.ts";
import type { Metrics } from "./platform/metrics.ts";
import { systemRandom } from "./platform/random.ts";

/** How long requests may still run when the process is to end. */
export const requestDeadlineMs = 10_000;
/** How long a connection may stay silent before it is closed, when another process is there to take what comes next. */
export const lingerMs = 1_000;

/** The work of one process for its users: it answers requests, publishes events and works off jobs, as its roles say. */
export interface Service {
  readonly app: App;
  readonly connections: Connections;
  /** Starts to publish events and to work off jobs. Resolves when both are running. */
  startBackground(): Promise<void>;
  /**
   * Ends what {@link startBackground} began. At the same time announces the end at `/readyz` for `announceMs`, during which everything is
   * answered as before; then ends the connections.
   */
  drain(options: { readonly announceMs: number; readonly lingerMs: number }): Promise<void>;
}

export interface ServiceDependencies {
  readonly db: Database;
  readonly durability?: DurabilityWatch | undefined;
  readonly keys: Keys;
  readonly log: Log;
  readonly metrics: Metrics | undefined;
  /** Whether no other process works on this database. */
  readonly alone: boolean;
  /** Receives the names under which this process holds jobs of the queue. */
  readonly holdsJobsAs?: (names: readonly string[]) => void;
}

/** The rooms, loaded by {@link loadRooms} while the program waits for something else. */
type Rooms = Awaited<ReturnType<typeof loadRooms>>;

export async function loadRooms(): Promise<{
  readonly buildApp: typeof import("./app.ts").buildApp;
  readonly createResolver: typeof import("./webhooks/send-webhook.ts").createResolver;
  readonly createMessengers: typeof import("./messengers.ts").createMessengers;
}> {
  const [{ buildApp }, { createResolver }, { createMessengers }] = await Promise.all([
    import("./app.ts"),
    import("./webhooks/send-webhook.ts"),
    import("./messengers.ts"),
  ]);
  return { buildApp, createResolver, createMessengers };
}

/** An empty set of figures where METRICS_PORT asks for them. */
export async function loadMetrics(
  { metricsPort }: Pick<Config, "metricsPort">,
  options: { readonly process?: string },
): Promise<Metrics | undefined> {
  if (metricsPort === null) return undefined;
  const { createMetrics } = await import("./platform/prometheus.ts");
  return createMetrics(options);
}

/** Builds the app and what it needs, without asking the database anything. Pushes what has to be ended to `started`, in order. */
export async function buildService(
  config: Config,
  { buildApp, createResolver, createMessengers }: Rooms,
  dependencies: ServiceDependencies,
  started: (() => unknown)[],
): Promise<Service> {
  const { db, durability, keys, log, metrics } = dependencies;
  const messengers = createMessengers(config, { db, clock: systemClock, keys, log });
  started.push(messengers.close);
  const parts: Parts = {
    settings: {
      mode: config.mode,
      roles: config.roles,
      publicUrl: config.publicUrl,
      trustedProxies: config.trustedProxies,
      requestsPerSecond: config.requestsPerSecond,
      webhooksToLoopback: config.webhooksToLoopback,
      secretScanningKeys: config.secretScanningKeys,
      tokenMemoryBytes: config.tokenMemoryBytes,
      nodeName: `${hostname()} ${process.pid}`,
    },
    db,
    durability,
    clock: systemClock,
    random: systemRandom,
    keys,
    messenger: messengers.messenger,
    resolveHost: createResolver(),
    fetchText,
    inbox: messengers.inbox,
    metrics,
    log,
  };
  const building = buildApp(parts);
  started.push(endsInTime(async () => (await building).close()));
  const app = await building;
  const connections = trackConnections(app.http.server, app.http.plainConnections);
  const background = createBackground(app, dependencies);
  return {
    app,
    connections,
    startBackground: background.start,
    async drain({ announceMs, lingerMs }) {
      app.readiness.leaving = announceMs > 0;
      await Promise.all([
        endsInTime(() => background.stop())().catch((error: unknown) =>
          log.error({ err: error }, "jobs or webhooks did not stop cleanly"),
        ),
        sleep(announceMs).then(() => connections.drain({ lingerMs, deadlineMs: requestDeadlineMs })),
      ]);
    },
  };
}

/** Webhooks' publisher and the job queue. */
function createBackground(
  app: App,
  { db, log, alone, holdsJobsAs }: ServiceDependencies,
): { start(): Promise<void>; stop(): Promise<void> } {
  const stopping = new AbortController();
  let starting: Promise<{ stop(): Promise<void> }> | undefined;
  return {
    async start() {
      if (stopping.signal.aborted) return;
      app.publisher?.start();
      if (app.jobs.length === 0) return;
      starting = (async () => {
        // Loaded after the first page can be served: the job library is slow to load.
        const { startJobs } = await import("./platform/jobs/jobs.ts");
        return startJobs({ db, log }, app.jobs, { alone, holdsJobsAs, stop: stopping.signal });
      })();
      try {
        await starting;
      } catch (error) {
        // Stopped while the database was away: that is no fault of the stop.
        if (!stopping.signal.aborted) throw error;
      }
    },
    async stop() {
      stopping.abort();
      const jobs = starting?.then(
        (running) => running.stop(),
        () => undefined,
      );
      await Promise.all([app.publisher?.stop(), jobs]);
    },
  };
}
