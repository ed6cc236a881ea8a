import type { UserPrincipal } from "../access/principal.ts";
import { createNodes } from "../leases/nodes.ts";
import { type ManualClock, manualClock } from "../platform/clock.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";
import { registerTokenRoutes } from "../tokens/routes.ts";
import { createConsoleHttp } from "./console-http.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  grantAccess,
  type TestFintech,
} from "./fixtures.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

export interface TokenConsole {
  readonly database: TestDatabase;
  readonly clock: ManualClock;
  readonly fintech: TestFintech;
  /** Applications of the fintech. */
  readonly sandbox: ApplicationId;
  readonly live: ApplicationId;
  /** Who manages the fintech's applications. Proved presence an hour ago. */
  readonly admin: UserPrincipal;
  /** A member of the fintech who may only look at the sandbox application. */
  readonly viewer: UserPrincipal;
  /** An admin of another fintech. */
  readonly stranger: UserPrincipal;
  readonly operatorAdmin: UserPrincipal;
  readonly operatorViewer: UserPrincipal;
  /** Calls the console API as the admin, or as whoever is given. */
  call(path: string, options?: Call): Promise<Answer>;
  /** Generates a token of the sandbox application, with a key that was not used before, unless told otherwise. */
  generate(wanted?: object, options?: Call & { readonly application?: ApplicationId }): Promise<Answer>;
  revoke(tokenId: string, options?: Call): Promise<Answer>;
  freshKey(): string;
  /** Everything logged so far. */
  logged(): string;
  close(): Promise<void>;
}

interface Call {
  readonly person?: UserPrincipal | null;
  readonly method?: "GET" | "POST" | "PUT";
  readonly body?: unknown;
  /** A body that is sent as it is. */
  readonly raw?: string;
  readonly key?: string | null;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are judged by the tests, not by the compiler.
  readonly json: any;
}

/** The routes of the tokens room on an HTTP server, with one person of each kind who may call them. */
export async function arrangeTokenConsole(): Promise<TokenConsole> {
  const database = await createTestDatabase();
  const { owner } = database;
  // The database's clock decides on expiry, so the tests run near it.
  const clock = manualClock(new Date());
  const fintech = await arrangeFintech(owner);
  await owner.query("UPDATE fintech SET tokens_per_application_max = 1000");
  const sandbox = await arrangeApplication(owner, fintech, "sandbox", ["admin", "accounts:read"]);
  const live = await arrangeApplication(owner, fintech, "live");
  const admin = await arrangeUser(owner, fintech, "fintech_admin", {
    now: new Date(clock.now().getTime() - 3_600_000),
  });
  const viewer = await arrangeUser(owner, fintech, "fintech_member");
  await grantAccess(owner, viewer, sandbox, "view");
  const stranger = await arrangeUser(owner, await arrangeFintech(owner), "fintech_admin");
  const operatorAdmin = await arrangeUser(owner, null, "operator_admin");
  const operatorViewer = await arrangeUser(owner, null, "operator_viewer");
  const { http, authenticate, knows, logged } = createConsoleHttp();
  for (const person of [admin, viewer, stranger, operatorAdmin, operatorViewer]) knows(person);
  registerTokenRoutes(http, {
    db: database.db,
    clock,
    random: systemRandom,
    nodes: createNodes({ db: database.db, clock }),
    authenticate,
    publicUrl: "https://fusion.example",
  });
  await http.ready();

  const call: TokenConsole["call"] = async (
    path,
    { person = admin, method = "GET", body, raw, key } = {},
  ) => {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const answer = await http.inject({
      method,
      url: `/console/api${path}`,
      headers: {
        ...(person ? { "x-person": person.userId } : {}),
        ...(key ? { "idempotency-key": key } : {}),
        ...(payload === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(payload === undefined ? {} : { payload }),
    });
    return { status: answer.statusCode, headers: answer.headers, text: answer.body, json: answer.json() };
  };
  let keys = 0;
  const freshKey = (): string => {
    keys += 1;
    return `key-${keys}`;
  };
  const wish = {
    name: "Payments",
    scopes: ["admin"],
    expiry: { days: 30 },
    reminders: true,
    replaces: null,
  };
  return {
    ...{ database, clock, fintech, sandbox, live, admin, viewer, stranger, operatorAdmin, operatorViewer },
    ...{ call, freshKey, logged },
    generate: (wanted = {}, options = {}) =>
      call(`/applications/${options.application ?? sandbox}/tokens`, {
        method: "POST",
        body: { ...wish, ...wanted },
        key: freshKey(),
        ...options,
      }),
    revoke: (tokenId, options = {}) =>
      call(`/tokens/${tokenId}/revoke`, { method: "POST", body: { reason: "compromised" }, ...options }),
    async close() {
      await http.close();
      await database.drop();
    },
  };
}
