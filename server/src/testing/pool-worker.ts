import { setTimeout as sleep } from "node:timers/promises";
import { joinPool } from "../platform/processes/worker-channel.ts";

// A worker that only tells its process id, for tests of the pool. Its first argument says how it behaves.

const [, , behaviour = "serve"] = process.argv;
const channel = joinPool({
  figures: async () => `figures of ${process.pid}`,
  leave() {
    if (behaviour !== "dies-working") process.exit(behaviour === "dies-leaving" ? 5 : 0);
  },
});
if (behaviour !== "crash") channel.holdsJobsAs([`jobs of ${process.pid}`]);
if (behaviour === "crash") process.exit(3);
else if (behaviour === "dies-working") setTimeout(() => process.exit(6), 20);
else if (behaviour === "unable") {
  await channel.unable("There is no room.");
  process.exit(1);
} else {
  if (behaviour === "slow-to-start") await sleep(300);
  // A connection stays until its other side closes it.
  channel.ready({ take: (connection) => connection.resume().write(String(process.pid)) });
  if (behaviour === "short-lived") setTimeout(() => process.exit(4), 20);
}
