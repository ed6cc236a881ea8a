import type { Clock } from "./platform/clock.ts";
import type { Database } from "./platform/database/database.ts";
import { createHttpServer, type HttpServer } from "./platform/http/server.ts";
import type { RoomJobs } from "./platform/jobs/jobs.ts";
import type { Keys } from "./platform/keys.ts";
import type { Log } from "./platform/log.ts";
import { type Inbox, registerInboxRoutes } from "./platform/messages/inbox.ts";
import type { Messenger } from "./platform/messages/message.ts";
import type { Random } from "./platform/random.ts";

/** The values of the configuration that rooms use. */
export interface AppSettings {
  readonly mode: "development" | "production";
  /** An origin without a slash at its end. */
  readonly publicUrl: string;
  readonly trustedProxies: readonly string[];
}

/** Everything that the rooms need from outside; made by `main.ts`, or by `testing/test-app.ts`. */
export interface Parts {
  readonly settings: AppSettings;
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
  readonly messenger: Messenger;
  /** Development's inbox, which is then served at /dev/inbox. */
  readonly inbox?: Inbox | undefined;
  readonly log: Log;
}

export interface App {
  readonly http: HttpServer;
  /** What the rooms want done by the job queue; whoever runs the app starts it. */
  readonly jobs: readonly RoomJobs[];
  /** Ends what the rooms keep going, after the last request; the parts stay open. */
  close(): Promise<void>;
}

/** Builds the parts into the whole program: every room's routes and jobs. The only file that knows all rooms. */
export async function buildApp(parts: Parts): Promise<App> {
  const { settings, random, log } = parts;
  const http = createHttpServer({ log, random, trustedProxies: settings.trustedProxies });
  const jobs: RoomJobs[] = [];
  if (parts.inbox && settings.mode === "development") registerInboxRoutes(http, parts.inbox);
  await http.ready();
  return {
    http,
    jobs,
    async close() {
      await http.close();
    },
  };
}
