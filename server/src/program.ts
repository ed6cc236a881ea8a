import { setImmediate } from "node:timers/promises";
import type { Config } from "./config.ts";
import { greeting } from "./greeting.ts";
import { arrangeGround, claimGround, takeGround } from "./ground.ts";
import { listen, listenForMetrics } from "./listen.ts";
import { measureQueue } from "./platform/jobs/queue-metrics.ts";
import { createLog, type Log } from "./platform/log.ts";
import { type Program, runProgram, type Starting } from "./run-program.ts";
import { buildService, lingerMs, loadMetrics, loadRooms } from "./service.ts";

/** The whole server in this process, starting with the database, until `stop` aborts. */
export function run(
  config: Config,
  { stop, say }: { readonly stop: AbortSignal; readonly say: (text: string) => void },
): Program {
  const log = createLog(config.logLevel);
  return runProgram({ log, stop }, (starting) => start(config, { log, say }, starting));
}

async function start(
  config: Config,
  { log, say }: { readonly log: Log; readonly say: (text: string) => void },
  starting: Starting,
): Promise<void> {
  const { started, goOn, unlessStopped } = starting;
  const { keys, database: coming } = await takeGround(config, { log, say }, starting);
  // Loading the rooms keeps this process busy for about as long as the database's processes need to start. So the database is started
  // first.
  await setImmediate();
  const loading = Promise.all([loadRooms(), loadMetrics(config, {}), import("./demo/demonstration-data.ts")]);
  loading.catch(() => undefined);
  const database = await coming;
  goOn();
  const [rooms, metrics] = await loading;
  // Building does not need the database, so it goes on while the schemas are prepared.
  const building = buildService(
    config,
    rooms,
    {
      db: database.db,
      durability: database.durability,
      keys,
      log,
      metrics,
      alone: config.database.kind === "embedded",
    },
    started,
  );
  building.catch(() => undefined);
  await unlessStopped(claimGround(config, database, keys));
  const service = await building;
  goOn();
  service.app.node.start();
  const people = await unlessStopped(arrangeGround(config, database, keys));
  goOn();
  if (metrics && config.metricsPort !== null) {
    measureQueue(database.db, metrics);
    const endpoint = await listenForMetrics(config.metricsPort, metrics.text);
    started.push(endpoint.close);
  }
  await listen(config, () => service.app.http.listen({ host: config.host, port: config.port }));
  started.push(() =>
    service.drain({ announceMs: config.drainMs, lingerMs: config.drainMs > 0 ? lingerMs : 0 }),
  );
  goOn();
  say(greeting(config, people));
  await unlessStopped(service.startBackground());
  goOn();
}
