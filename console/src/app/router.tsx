import { CallFilter } from "@fusion/contract/activity.ts";
import type { CurrentSession } from "@fusion/contract/login.ts";
import { Environment } from "@fusion/contract/primitives.ts";
import { TokenFilter } from "@fusion/contract/tokens.ts";
import { type DeliveryFilter, deliveryFilters } from "@fusion/contract/webhooks.ts";
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  notFound,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { isProblem } from "../lib/api.ts";
import { paths, safeReturnPath } from "../lib/paths.ts";
import { isOperator, seesTeamActivity, sessionQuery } from "../lib/session.ts";
import { PageSkeleton } from "../ui/states.tsx";
import { NotFoundPage, PageFailure, PageFailureAlone } from "./failure-pages.tsx";
import { Frame, FrameSkeleton } from "./frame.tsx";
import { program } from "./page-program.ts";

/** Every page. Those behind the login hang below `frame`, which asks who is logged in before it shows anything. */

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFoundPage,
  errorComponent: PageFailureAlone,
});

/** What a list is searched for. The router parses a number or a boolean in the address as such; here it becomes text again. */
function findIn({ find }: Record<string, unknown>): { find?: string } {
  const text = ["string", "number", "boolean"].includes(typeof find) ? String(find).trim().slice(0, 100) : "";
  return text === "" ? {} : { find: text };
}

const login = createRoute({
  getParentRoute: () => root,
  path: paths.login,
  validateSearch: (search: Record<string, unknown>): { return?: string; ended?: "idle" } => ({
    ...(typeof search.return === "string" ? { return: safeReturnPath(search.return) } : {}),
    ...(search.ended === "idle" ? { ended: "idle" as const } : {}),
  }),
  // "Back" after logging in would otherwise show the login again. Logging out empties the cache by loading the page anew.
  beforeLoad: ({ context }) => {
    if (context.queryClient.getQueryData(sessionQuery.queryKey) !== undefined)
      throw redirect({ to: paths.landing, replace: true });
  },
  errorComponent: PageFailureAlone,
  component: lazyRouteComponent(() => program(import("../features/login/login-page.tsx")), "LoginPage"),
});

const frame = createRoute({
  getParentRoute: () => root,
  id: "frame",
  beforeLoad: async ({ context, location }) => {
    try {
      return { session: await context.queryClient.ensureQueryData(sessionQuery) };
    } catch (error) {
      if (!isProblem(error, "session_required")) throw error;
      const path = location.href;
      throw redirect({
        to: paths.login,
        search: path === paths.landing ? {} : { return: safeReturnPath(path) },
        replace: true,
      });
    }
  },
  pendingComponent: FrameSkeleton,
  errorComponent: PageFailureAlone,
  component: Frame,
});

const landing = createRoute({
  getParentRoute: () => frame,
  path: paths.landing,
  component: lazyRouteComponent(() => program(import("../features/landing/landing-page.tsx")), "LandingPage"),
});

const tokenManagement = createRoute({
  getParentRoute: () => frame,
  path: paths.tokenManagement,
  // `find`: what the list is narrowed to.
  validateSearch: findIn,
  component: lazyRouteComponent(() => program(import("./token-management.tsx")), "TokenManagement"),
});

const reminders = createRoute({
  getParentRoute: () => frame,
  path: paths.reminders,
  // `date`: the day that is shown; `fintech`: whose, for the Fusion team.
  validateSearch: (search: Record<string, unknown>): { date?: string; fintech?: string } => ({
    ...(typeof search.date === "string" ? { date: search.date } : {}),
    ...(typeof search.fintech === "string" ? { fintech: search.fintech } : {}),
  }),
  component: lazyRouteComponent(
    () => program(import("../features/reminders/reminders-page.tsx")),
    "RemindersPage",
  ),
});

const tokensShown = createRoute({
  getParentRoute: () => frame,
  path: paths.tokensShown,
  beforeLoad: ({ params: { show } }) => {
    if (show !== "expiring" && show !== "unused") throw notFound();
  },
  component: lazyRouteComponent(() => program(import("./token-management.tsx")), "TokensShown"),
});

const application = createRoute({
  getParentRoute: () => frame,
  path: paths.application,
  // `status` and `find`: which tokens are listed; `generate`: the dialog is open.
  validateSearch: (
    search: Record<string, unknown>,
  ): { status?: TokenFilter; find?: string; generate?: 1 } => {
    const status = TokenFilter.safeParse(search.status);
    return {
      ...findIn(search),
      ...(status.success && status.data !== "all" ? { status: status.data } : {}),
      ...(Number(search.generate) === 1 ? { generate: 1 as const } : {}),
    };
  },
  component: lazyRouteComponent(
    () => program(import("./application-with-tokens.tsx")),
    "ApplicationWithTokens",
  ),
});

const activity = createRoute({
  getParentRoute: () => frame,
  path: paths.activity,
  // What the list is narrowed to; `request`: the request id that is explained.
  validateSearch: (
    search: Record<string, unknown>,
  ): { show?: CallFilter; token?: string; route?: string; request?: string } => {
    const show = CallFilter.safeParse(search.show);
    return {
      ...(show.success && show.data !== "all" ? { show: show.data } : {}),
      ...(typeof search.token === "string" ? { token: search.token } : {}),
      ...(typeof search.route === "string" ? { route: search.route } : {}),
      ...(typeof search.request === "string" ? { request: search.request } : {}),
    };
  },
  component: lazyRouteComponent(
    () => program(import("./application-with-activity.tsx")),
    "ApplicationWithActivity",
  ),
});

const token = createRoute({
  getParentRoute: () => frame,
  path: paths.token,
  // `renew`: the dialog that generates a replacement is open.
  validateSearch: (search: Record<string, unknown>): { renew?: 1 } =>
    Number(search.renew) === 1 ? { renew: 1 } : {},
  component: lazyRouteComponent(() => program(import("../features/tokens/token-page.tsx")), "TokenPage"),
});

const webhooks = createRoute({
  getParentRoute: () => frame,
  path: paths.webhooks,
  // `add`: the dialog is open.
  validateSearch: (search: Record<string, unknown>): { add?: 1 } =>
    Number(search.add) === 1 ? { add: 1 } : {},
  component: lazyRouteComponent(
    () => program(import("../features/webhooks/webhook-list-page.tsx")),
    "WebhookListPage",
  ),
});

const webhook = createRoute({
  getParentRoute: () => frame,
  path: paths.webhook,
  // `status`: which deliveries are listed; `event`: the one whose details are open.
  validateSearch: (search: Record<string, unknown>): { status?: DeliveryFilter; event?: string } => {
    const status = deliveryFilters.find((filter) => filter === search.status);
    return {
      ...(status !== undefined && status !== "all" ? { status } : {}),
      ...(typeof search.event === "string" && search.event.startsWith("evt_") ? { event: search.event } : {}),
    };
  },
  component: lazyRouteComponent(
    () => program(import("../features/webhooks/webhook-page.tsx")),
    "WebhookPage",
  ),
});

const account = createRoute({
  getParentRoute: () => frame,
  path: paths.account,
  component: lazyRouteComponent(() => program(import("../features/account/account-page.tsx")), "AccountPage"),
});

const people = createRoute({
  getParentRoute: () => frame,
  path: paths.people,
  component: lazyRouteComponent(() => program(import("../features/people/people-page.tsx")), "PeoplePage"),
});

/** Reserves a page for the Fusion team. Everybody else gets "not found", and so does anybody whose address names no valid environment. */
const forOperators = (session: CurrentSession, environment: string = "live"): void => {
  if (!isOperator(session) || !Environment.safeParse(environment).success) throw notFound();
};

const fintechs = createRoute({
  getParentRoute: () => frame,
  path: paths.fintechs,
  beforeLoad: ({ context }) => forOperators(context.session),
  component: lazyRouteComponent(
    () => program(import("../features/oversight/fintech-list-page.tsx")),
    "FintechListPage",
  ),
});

const processes = createRoute({
  getParentRoute: () => frame,
  path: paths.processes,
  beforeLoad: ({ context }) => forOperators(context.session),
  component: lazyRouteComponent(
    () => program(import("../features/oversight/process-list-page.tsx")),
    "ProcessListPage",
  ),
});

const bookHolders = createRoute({
  getParentRoute: () => frame,
  path: paths.bookHolders,
  beforeLoad: ({ context, params }) => forOperators(context.session, params.environment),
  component: lazyRouteComponent(
    () => program(import("../features/oversight/holder-list-page.tsx")),
    "HolderListPage",
  ),
});

const bookHolder = createRoute({
  getParentRoute: () => frame,
  path: paths.bookHolder,
  beforeLoad: ({ context, params }) => forOperators(context.session, params.environment),
  component: lazyRouteComponent(() => program(import("../features/oversight/holder-page.tsx")), "HolderPage"),
});

const bookAccounts = createRoute({
  getParentRoute: () => frame,
  path: paths.bookAccounts,
  beforeLoad: ({ context, params }) => forOperators(context.session, params.environment),
  component: lazyRouteComponent(
    () => program(import("../features/oversight/account-list-page.tsx")),
    "AccountListPage",
  ),
});

const bookAccount = createRoute({
  getParentRoute: () => frame,
  path: paths.bookAccount,
  beforeLoad: ({ context, params }) => forOperators(context.session, params.environment),
  component: lazyRouteComponent(
    () => program(import("../features/oversight/account-page.tsx")),
    "AccountPage",
  ),
});

const bookTransfers = createRoute({
  getParentRoute: () => frame,
  path: paths.bookTransfers,
  beforeLoad: ({ context, params }) => forOperators(context.session, params.environment),
  component: lazyRouteComponent(
    () => program(import("../features/oversight/transfer-list-page.tsx")),
    "TransferListPage",
  ),
});

const bookTransfer = createRoute({
  getParentRoute: () => frame,
  path: paths.bookTransfer,
  beforeLoad: ({ context, params }) => forOperators(context.session, params.environment),
  component: lazyRouteComponent(
    () => program(import("../features/oversight/transfer-page.tsx")),
    "TransferPage",
  ),
});

const teamActivity = createRoute({
  getParentRoute: () => frame,
  path: paths.teamActivity,
  beforeLoad: ({ context }) => {
    if (!seesTeamActivity(context.session)) throw notFound();
  },
  component: lazyRouteComponent(
    () => program(import("../features/oversight/team-activity-page.tsx")),
    "TeamActivityPage",
  ),
});

const routeTree = root.addChildren([
  login,
  frame.addChildren([
    landing,
    tokenManagement,
    reminders,
    tokensShown,
    application,
    activity,
    token,
    webhooks,
    webhook,
    account,
    people,
    fintechs,
    processes,
    bookHolders,
    bookHolder,
    bookAccounts,
    bookAccount,
    bookTransfers,
    bookTransfer,
    teamActivity,
  ]),
]);

export function createConsoleRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree,
    context: { queryClient },
    defaultPendingComponent: () => <PageSkeleton label="Opening the page" />,
    defaultPendingMs: 150,
    defaultErrorComponent: PageFailure,
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
