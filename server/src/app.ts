import { join } from "node:path";
import { consoleApi } from "@fusion/contract/console-api.ts";
import { createCallRecorder, recordCalls } from "./activity/call-recorder.ts";
import { activityJobs } from "./activity/jobs.ts";
import { createCallSearch } from "./activity/look-for-call.ts";
import { registerActivityRoutes } from "./activity/routes.ts";
import { apiDescriptions } from "./api-descriptions.ts";
import { registerFintechRoutes } from "./fintechs/routes.ts";
import { registerAccountHolderRoutes } from "./fusion-api/account-holder-routes.ts";
import { registerAccountRoutes } from "./fusion-api/account-routes.ts";
import { registerApplicationRoutes, registerApplicationRoutesOfV2 } from "./fusion-api/application-routes.ts";
import { registerApplicationSectionRoutes } from "./fusion-api/application-section-routes.ts";
import { registerBundleRoutes } from "./fusion-api/bundle-routes.ts";
import { registerFusionApi } from "./fusion-api/fusion-api.ts";
import { registerHolderDetailRoutes } from "./fusion-api/holder-detail-routes.ts";
import { registerHolderServiceRoutes } from "./fusion-api/holder-service-routes.ts";
import { registerResourceRoutes } from "./fusion-api/resource-routes.ts";
import { registerTransferRoutes } from "./fusion-api/transfer-routes.ts";
import { registerGatewayRoutes } from "./gateway/routes.ts";
import { joinNodes } from "./leases/join-nodes.ts";
import { measureLease } from "./leases/lease-metrics.ts";
import { createMemory } from "./leases/memory.ts";
import type { Node } from "./leases/node.ts";
import { loginJobs } from "./login/jobs.ts";
import type { PasswordHasher } from "./login/passwords/password-hash.ts";
import { registerLoginRoutes } from "./login/routes.ts";
import { createUserAuthentication } from "./login/sessions/authenticate.ts";
import { registerHolderRoutes } from "./oauth/holder-routes.ts";
import { registerOAuthRoutes } from "./oauth/routes.ts";
import { registerOversightRoutes } from "./oversight/routes.ts";
import type { Clock } from "./platform/clock.ts";
import type { Database } from "./platform/database/database.ts";
import { type DurabilityWatch, measureDurability } from "./platform/database/high-availability.ts";
import { measurePool } from "./platform/database/pool-metrics.ts";
import { serveConsole } from "./platform/http/console-files.ts";
import { registerDocsPages } from "./platform/http/docs/docs-pages.ts";
import { readErrorPage } from "./platform/http/error-pages.ts";
import { type Readiness, registerHealthRoutes } from "./platform/http/health.ts";
import { collectRoutesForOpenApi, registerOpenApiRoutes } from "./platform/http/openapi.ts";
import { answerOtherMethods } from "./platform/http/other-methods.ts";
import type { FetchText } from "./platform/http/outgoing.ts";
import { limitCalls, limitRates, type Rate } from "./platform/http/rate-limit.ts";
import { measureRequests } from "./platform/http/request-metrics.ts";
import { refuseCrossSite, refuseForeignHosts } from "./platform/http/same-origin.ts";
import { createHttpServer, type HttpServer } from "./platform/http/server.ts";
import { givenUpJobs } from "./platform/jobs/forget-given-up.ts";
import { measureJobs } from "./platform/jobs/job-metrics.ts";
import type { RoomJobs } from "./platform/jobs/jobs.ts";
import type { Keys } from "./platform/keys.ts";
import type { Log } from "./platform/log.ts";
import type { Inbox } from "./platform/messages/inbox.ts";
import { registerInboxRoutes } from "./platform/messages/inbox-routes.ts";
import type { Messenger } from "./platform/messages/message.ts";
import { messageJobs } from "./platform/messages/outgoing-messages.ts";
import type { Metrics } from "./platform/metrics.ts";
import type { Random } from "./platform/random.ts";
import { version } from "./platform/version.ts";
import { calendarPath } from "./reminders/calendar-feed.ts";
import { registerCalendarRoutes } from "./reminders/calendar-routes.ts";
import { reminderJobs } from "./reminders/jobs.ts";
import { registerReminderRoutes } from "./reminders/routes.ts";
import { unsubscribePath } from "./reminders/unsubscribe-link.ts";
import { registerUnsubscribeRoutes } from "./reminders/unsubscribe-routes.ts";
import { isServed, type Role, roles } from "./roles.ts";
import { registerSecretScanningRoutes } from "./secret-scanning/routes.ts";
import { createScannerKeys } from "./secret-scanning/scanner-keys.ts";
import { createTokenAuthentication } from "./tokens/check/authenticate-token.ts";
import { createTokenCheck, type FoundToken } from "./tokens/check/check-token.ts";
import { readTokensFrom } from "./tokens/check/read-tokens.ts";
import { tokenJobs } from "./tokens/jobs.ts";
import { countTokensOf } from "./tokens/lists/token-summary.ts";
import { createRevokeHeldToken } from "./tokens/revocation/revoke-held-token.ts";
import { registerTokenRoutes } from "./tokens/routes.ts";
import { recordTokenUsage } from "./tokens/usage/record-token-usage.ts";
import { createUsageRecorder } from "./tokens/usage/usage-recorder.ts";
import { mayBePage, type PathOfPrograms } from "./top-level-paths.ts";
import { createTransferBatcher } from "./transfers/batcher.ts";
import { countingFirst } from "./transfers/count-first.ts";
import { webhookJobs } from "./webhooks/jobs.ts";
import { createPublisher, measurePublisher, type Publisher } from "./webhooks/publisher.ts";
import { registerWebhookRoutes } from "./webhooks/routes.ts";
import type { ResolveHost } from "./webhooks/send-webhook.ts";

const repositoryRoot = join(import.meta.dirname, "../..");
const errorsFolder = join(repositoryRoot, "docs/errors");

/** The values of the configuration that rooms use. */
export interface AppSettings {
  readonly mode: "development" | "production";
  /** What this process does; everything unless given. */
  readonly roles?: readonly Role[] | undefined;
  /** An origin without a trailing slash. */
  readonly publicUrl: string;
  readonly trustedProxies: readonly string[];
  /**
   * The sustained rate of Fusion API calls per second that one address or one token may make; null for no limits at all, as in most tests.
   */
  readonly requestsPerSecond: number | null;
  /** The address that lists the public keys with which reports of found tokens are signed; null where no reports are taken. */
  readonly secretScanningKeys: string | null;
  /** In development: webhooks may go to this machine, over http too. */
  readonly webhooksToLoopback: boolean;
  /** How much of this process's memory tokens may take. */
  readonly tokenMemoryBytes: number;
  /** Machine and process, for people who look at the nodes. */
  readonly nodeName: string;
}

/** Everything that the rooms need from outside; made by `service.ts`, or by `testing/test-app.ts`. */
export interface Parts {
  readonly settings: AppSettings;
  readonly db: Database;
  /** Reports whether acknowledged commits survive a failover now, where they must. */
  readonly durability?: DurabilityWatch | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
  readonly messenger: Messenger;
  /** How the name in a webhook's address is resolved. */
  readonly resolveHost: ResolveHost;
  /** Reads documents that the settings name. */
  readonly fetchText: FetchText;
  /** Replaces the hasher that makes a hash cost what a password is worth; for tests. */
  readonly passwordHasher?: PasswordHasher | undefined;
  /** In development: the inbox, which is then served at /dev/inbox. */
  readonly inbox?: Inbox | undefined;
  readonly log: Log;
  /** Where the process counts what it does; left out where nobody reads it. */
  readonly metrics?: Metrics | undefined;
}

export interface App {
  readonly http: HttpServer;
  /** Whoever runs the app says here that it is about to end. */
  readonly readiness: Readiness;
  /** The rooms' jobs, in a process that works off the job queue; whoever runs the app starts it. */
  readonly jobs: readonly RoomJobs[];
  /**
   * Tells webhooks what happened, in a process that works off jobs. Whoever runs the app starts it, and stops it before the database goes.
   */
  readonly publisher: Publisher | undefined;
  /** Holds this process's lease; whoever runs the app starts it. If it was not started, the first call takes a lease. */
  readonly node: Node;
  /** Ends what the rooms keep going, after the last request; the parts stay open. */
  close(): Promise<void>;
}

/** Builds the parts into the whole program: every room's routes and jobs. The only file that knows all rooms. */
export async function buildApp(parts: Parts): Promise<App> {
  const { settings, random, log, metrics } = parts;
  const https = settings.publicUrl.startsWith("https:");
  const served = settings.roles ?? roles;
  const http = createHttpServer({
    log,
    random,
    trustedProxies: settings.trustedProxies,
    https,
    // All routes are there in every process, since the references describe them all.
    ...(served.length < roles.length && { serves: (path: string) => isServed(served, path) }),
  });
  if (metrics) {
    measureRequests(http, metrics);
    measurePool(parts.db, metrics);
    if (parts.durability) measureDurability(parts.durability, metrics);
  }
  const readiness: Readiness = { leaving: false };
  const jobs: RoomJobs[] = [messageJobs(parts), givenUpJobs(parts)];
  const apis = apiDescriptions(https);
  await collectRoutesForOpenApi(http, apis);
  const refuseOtherMethods = answerOtherMethods(http, "/api/");
  guardRequests(http, parts);

  if (parts.inbox && settings.mode === "development") registerInboxRoutes(http, parts.inbox);
  const { document } = registerOpenApiRoutes(http, apis, {
    publicUrl: settings.publicUrl,
    version,
  });
  registerDocsPages(http, apis, {
    document,
    errorsFolder,
    guidesFolder: join(repositoryRoot, "docs/reference"),
  });
  serveConsole(http, { folder: join(repositoryRoot, "console/dist"), random, mayBePage });

  const memory = createMemory<FoundToken>({ bytesMax: settings.tokenMemoryBytes });
  const { node, nodes } = joinNodes({ ...parts, memory, name: settings.nodeName });
  if (metrics) measureLease(node, memory, metrics);
  const lease = served.includes("api") ? { holds: node.lease.holds, renew: node.renew } : undefined;
  registerHealthRoutes(http, { ...parts, readiness, lease });
  const tokenCheck = createTokenCheck({ readToken: readTokensFrom(parts.db), node, nodes, memory });

  const login = registerLoginRoutes(http, { ...parts, secureCookies: https, publicUrl: settings.publicUrl });
  jobs.push(loginJobs(parts));

  const { publicUrl } = settings;
  const authenticateUser = createUserAuthentication({ ...parts, secureCookies: https });
  registerFintechRoutes(http, {
    ...parts,
    nodes,
    publicUrl,
    authenticate: authenticateUser,
    countTokens: countTokensOf,
  });
  registerTokenRoutes(http, { ...parts, nodes, publicUrl, authenticate: authenticateUser });
  jobs.push(tokenJobs({ ...parts, nodes, publicUrl }));
  registerReminderRoutes(http, { ...parts, publicUrl, authenticate: authenticateUser });
  registerUnsubscribeRoutes(http, parts);
  registerCalendarRoutes(http, { ...parts, publicUrl, authenticate: authenticateUser });
  jobs.push(reminderJobs({ ...parts, publicUrl }));
  const calls = createCallRecorder({ ...parts, lease: node.lease });
  const lookForCall = createCallSearch({ writeCalls: () => calls.flush() });
  registerActivityRoutes(http, {
    ...parts,
    lookForCall,
    authenticate: authenticateUser,
    readErrorPage: (code) => readErrorPage(errorsFolder, code),
  });
  jobs.push(activityJobs(parts));
  registerOversightRoutes(http, { ...parts, authenticate: authenticateUser });

  const webhooks = { ...parts, publicUrl, policy: { allowLoopback: settings.webhooksToLoopback } };
  registerWebhookRoutes(http, { ...webhooks, authenticate: authenticateUser });
  jobs.push(webhookJobs(parts));
  const publisher = createPublisher(webhooks);
  const worksOffJobs = served.includes("jobs");
  if (metrics && worksOffJobs) measurePublisher(publisher, parts.clock, metrics);

  const usage = createUsageRecorder({ ...parts, lease: node.lease });
  recordTokenUsage(http);
  recordCalls(http, calls);
  const authenticate = createTokenAuthentication({ tokenCheck, usage });
  const batcher = countingFirst(createTransferBatcher({ ...parts, onBatch: batchSizes(metrics) }), parts);
  const registerV1 = (v1: HttpServer): void => {
    registerAccountHolderRoutes(v1, parts);
    registerApplicationRoutes(v1, parts);
    registerHolderDetailRoutes(v1, parts);
    registerHolderServiceRoutes(v1, parts);
    registerBundleRoutes(v1, parts);
    registerResourceRoutes(v1, parts);
    registerAccountRoutes(v1, parts);
    registerTransferRoutes(v1, { ...parts, batcher });
  };
  const rate = rateOf(settings);
  const takeCall = rate && limitCalls(parts.clock, rate);
  registerGatewayRoutes(http, { ...parts, tokenCheck, usage, calls, takeCall, https });
  const revokeHeldToken = createRevokeHeldToken({ ...parts, nodes });
  registerOAuthRoutes(http, { ...parts, tokenCheck, revokeHeldToken, usage, publicUrl });
  registerHolderRoutes(http, {
    ...parts,
    tokenCheck,
    revokeHeldToken,
    lookForCall,
    readErrorPage: (code) => readErrorPage(errorsFolder, code),
  });
  if (settings.secretScanningKeys !== null) {
    const findScannerKey = createScannerKeys({ ...parts, address: settings.secretScanningKeys });
    registerSecretScanningRoutes(http, { ...parts, nodes, tokenCheck, findScannerKey });
  }
  registerFusionApi(http, { authenticate, clock: parts.clock, nodes, takeCall }, registerV1, (v2) => {
    registerApplicationRoutesOfV2(v2, parts);
    registerApplicationSectionRoutes(v2, parts);
  });
  await http.after();
  refuseOtherMethods();
  await http.ready();
  return {
    http,
    readiness,
    jobs: worksOffJobs ? (metrics ? measureJobs(jobs, metrics) : jobs) : [],
    publisher: worksOffJobs ? publisher : undefined,
    node,
    async close() {
      await http.close();
      await login.settled();
      await usage.close();
      await calls.close();
      await node.close();
    },
  };
}

/** The checks that every request passes before any room sees it. */
function guardRequests(http: HttpServer, { settings, clock }: Parts): void {
  const development = settings.mode === "development";
  const { publicUrl } = settings;
  if (development) refuseForeignHosts(http, publicUrl);
  const rate = rateOf(settings);
  if (rate)
    limitRates(http, { clock }, [
      { prefix: `${consoleApi}/`, perSecond: 20, burst: 400 },
      ...Object.entries(ratesOfPrograms(rate)).flatMap(([path, each]) =>
        each ? [{ prefix: `${path}/`, ...each }] : [],
      ),
      // A large provider of mail or calendars sends the requests of all its users from few addresses.
      { prefix: unsubscribePath, perSecond: 20, burst: 200 },
      { prefix: calendarPath, perSecond: 20, burst: 200 },
    ]);
  refuseCrossSite(http, { prefix: `${consoleApi}/`, publicUrl, development });
}

/** How often one address may use each path that programs call; undefined where no hook counts. */
function ratesOfPrograms(rate: Rate): Record<PathOfPrograms, Rate | undefined> {
  return {
    "/api": rate,
    "/oauth2": rate,
    // Proxies ask for all of their callers from one address; there each token is counted instead.
    "/gateway": undefined,
    // One small document that never changes.
    "/.well-known/oauth-authorization-server": undefined,
    "/refusals": { perSecond: 5, burst: 50 },
    "/tokens/self": { perSecond: 5, burst: 50 },
    "/secret-scanning": { perSecond: 20, burst: 200 },
  };
}

function batchSizes(metrics: Metrics | undefined): ((transfers: number) => void) | undefined {
  const sizes = metrics?.histogram({
    name: "fusion_transfer_batch_size",
    help: "Transfers that went to the database together.",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  });
  return sizes && ((transfers) => sizes.observe({}, transfers));
}

/** How often the Fusion API may be called, from one address and with one token alike. */
function rateOf({ requestsPerSecond }: AppSettings): Rate | undefined {
  return requestsPerSecond === null
    ? undefined
    : { perSecond: requestsPerSecond, burst: requestsPerSecond * 20 };
}
