import type { Socket } from "node:net";
import type { Config } from "./config.ts";
import { readKeys } from "./ground.ts";
import { joinPreparedDatabase } from "./platform/database/start-database.ts";
import { endsInTime } from "./platform/ends-in-time.ts";
import { createLog } from "./platform/log.ts";
import type { LeaveReason } from "./platform/processes/pool-messages.ts";
import { joinPool } from "./platform/processes/worker-channel.ts";
import { readableProblem, runProgram, sentenceOf } from "./run-program.ts";
import { buildService, lingerMs, loadMetrics, loadRooms } from "./service.ts";

/**
 * One worker of a supervisor's pool, until the pool ends it. The supervisor holds the data folder, the database's server and the schema; a
 * worker connects, and serves the connections that it is handed. Resolves with the exit code.
 */
export async function runWorker(
  config: Config,
  {
    place,
    serves,
    leaves,
  }: { readonly place: string; readonly serves: () => void; readonly leaves: () => void },
): Promise<number> {
  const log = createLog(config.logLevel).child({ worker: Number(place) });
  const leaving = new AbortController();
  // The pool asks for figures as soon as the worker serves, and by then they exist.
  const figures = Promise.withResolvers<() => Promise<string>>();
  const channel = joinPool({
    figures: async () => (await figures.promise)(),
    leave(reason) {
      leaves();
      leaving.abort(reason);
    },
  });
  const program = runProgram({ log, stop: leaving.signal }, async ({ started, goOn, unlessStopped }) => {
    const loading = Promise.all([loadRooms(), loadMetrics(config, { process: place })]);
    loading.catch(() => undefined);
    const keys = readKeys(config);
    const database = await joinPreparedDatabase(
      config.database.kind === "embedded"
        ? { kind: "embedded", dataFolder: config.dataFolder }
        : config.database,
      log,
    );
    started.push(endsInTime(() => database.stop()));
    goOn();
    const [rooms, metrics] = await loading;
    const { holdsJobsAs } = channel;
    const service = await buildService(
      config,
      rooms,
      { db: database.db, durability: database.durability, keys, log, metrics, alone: false, holdsJobsAs },
      started,
    );
    goOn();
    service.app.node.start();
    started.push(() => service.drain(farewell(config, leaving.signal.reason as LeaveReason | undefined)));
    figures.resolve(metrics?.text ?? (async () => ""));
    // Before connections come: loading the job library takes a quarter of a second, and connections would wait for it.
    await unlessStopped(service.startBackground());
    goOn();
    channel.ready({ take: (connection: Socket) => service.connections.take(connection) });
    serves();
  });
  // An error that nothing caught is a fault of ours of unknown extent: report it and end in order; the pool starts another worker.
  for (const event of ["uncaughtException", "unhandledRejection"] as const)
    process.on(event, (error: unknown) => program.fail(error));
  try {
    await program.ended;
    return 0;
  } catch (error) {
    await channel.unable(sentenceOf(error) ?? readableProblem(error));
    return 1;
  }
}

/**
 * A replaced worker takes its time for its last requests and announces nothing: its end says nothing about the health of the whole program.
 */
function farewell(
  { drainMs }: Config,
  reason: LeaveReason | undefined,
): { announceMs: number; lingerMs: number } {
  if (reason === "replaced") return { announceMs: 0, lingerMs };
  return { announceMs: drainMs, lingerMs: drainMs > 0 ? lingerMs : 0 };
}
