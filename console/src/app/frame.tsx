import type { CurrentSession } from "@fusion/contract/login.ts";
import { Link, Outlet, useLocation, useRouterState } from "@tanstack/react-router";
import { Eye, House, KeyRound, Landmark, Server, UserRound, UsersRound } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { paths } from "../lib/paths.ts";
import { isOperator, seesPeople, seesTeamActivity, useSession } from "../lib/session.ts";
import { browserTimeZone } from "../lib/time.ts";
import { TimeZoneContext } from "../lib/time-zone.tsx";
import { BrandMark } from "../ui/brand-mark.tsx";
import { NavigationContext } from "../ui/page-header.tsx";
import { PageSkeleton } from "../ui/states.tsx";
import classes from "./frame.module.css";
import { IdleWatch } from "./idle-watch.tsx";
import { PersonMenu } from "./person-menu.tsx";

/** What stands around every page behind the login: modules on the left (below, on a phone), fintech and person above. */
export function Frame() {
  const session = useSession();
  const navigation = useNavigationCount();
  return (
    <TimeZoneContext.Provider value={session.fintech?.timeZone ?? browserTimeZone}>
      <NavigationContext.Provider value={navigation}>
        <a href="#content" className={classes.skip}>
          Skip to the content
        </a>
        <div className={classes.frame}>
          <nav className={classes.rail} aria-label="Modules">
            <Link to={paths.landing} className={classes.brand}>
              <BrandMark />
              Fusion
            </Link>
            <Modules session={session} />
          </nav>
          <header className={classes.bar}>
            <div className={classes.barInner}>
              <p className={classes.tenant}>
                <strong>{session.fintech?.name ?? "Fusion team"}</strong>
                {session.fintech && <span className="figures"> · IFI {session.fintech.ifiId}</span>}
              </p>
              <PersonMenu session={session} />
            </div>
          </header>
          <main id="content" className={classes.main} tabIndex={-1}>
            <Outlet />
          </main>
        </div>
        <IdleWatch />
      </NavigationContext.Provider>
    </TimeZoneContext.Provider>
  );
}

/** A skeleton of the frame and its page, shown until it is known who is logged in. */
export function FrameSkeleton() {
  return (
    <div className={classes.frame}>
      <div className={classes.rail}>
        <span className={classes.brand}>
          <BrandMark />
          Fusion
        </span>
        <div className={classes.module} />
      </div>
      <div className={classes.bar}>
        <div className={classes.barInner} />
      </div>
      <main className={classes.main}>
        <PageSkeleton label="Opening the console" />
      </main>
    </div>
  );
}

function Modules({ session }: { session: CurrentSession }) {
  const { pathname } = useLocation();
  const modules = [
    { to: paths.landing, words: "Start", Icon: House, current: pathname === paths.landing },
    {
      to: paths.tokenManagement,
      words: "Token Management",
      Icon: KeyRound,
      current: pathname.startsWith(paths.tokenManagement) || pathname.startsWith("/applications/"),
    },
    ...(isOperator(session)
      ? [
          {
            to: paths.fintechs,
            words: "Fintechs",
            Icon: Landmark,
            current: pathname.startsWith(paths.fintechs),
          },
          { to: paths.processes, words: "Processes", Icon: Server, current: pathname === paths.processes },
        ]
      : []),
    ...(seesPeople(session)
      ? [{ to: paths.people, words: "People", Icon: UsersRound, current: pathname === paths.people }]
      : []),
    ...(seesTeamActivity(session)
      ? [
          {
            to: paths.teamActivity,
            words: "Fusion team",
            Icon: Eye,
            current: pathname === paths.teamActivity,
          },
        ]
      : []),
    { to: paths.account, words: "Account", Icon: UserRound, current: pathname === paths.account },
  ];
  return (
    <div className={classes.modules}>
      {modules.map(({ to, words, Icon, current }) => (
        <Link
          key={to}
          to={to}
          className={classes.module}
          data-current={current}
          aria-current={current ? "page" : undefined}
        >
          <Icon size={20} strokeWidth={1.75} aria-hidden />
          {words}
        </Link>
      ))}
    </div>
  );
}

/** Counts the navigations after the first page, so that each new heading takes the focus once. The first page starts at the skip link. */
function useNavigationCount(): { count: number; focused: { current: number } } {
  // The resolved location changes only when the new page has replaced the old one; any earlier, the old heading would get the focus.
  const pathname = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const [navigation, setNavigation] = useState({ pathname, count: 0 });
  const focused = useRef(0);
  if (navigation.pathname !== pathname) {
    setNavigation({ pathname, count: navigation.count + (navigation.pathname === undefined ? 0 : 1) });
  }
  const { count } = navigation;
  return useMemo(() => ({ count, focused }), [count]);
}
