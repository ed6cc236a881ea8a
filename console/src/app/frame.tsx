import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { House, KeyRound, UserRound, UsersRound } from "lucide-react";
import { useMemo, useRef } from "react";
import { paths } from "../lib/paths.ts";
import { seesPeople, useSession } from "../lib/session.ts";
import { browserTimeZone } from "../lib/time.ts";
import { TimeZoneContext } from "../lib/time-zone.tsx";
import { BrandMark } from "../ui/brand-mark.tsx";
import { NavigationContext } from "../ui/page-header.tsx";
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
            <Modules people={seesPeople(session)} />
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
        <IdleWatch idleTimeoutSeconds={session.idleTimeoutSeconds} />
      </NavigationContext.Provider>
    </TimeZoneContext.Provider>
  );
}

function Modules({ people }: { people: boolean }) {
  const { pathname } = useLocation();
  const modules = [
    { to: paths.landing, words: "Start", Icon: House, current: pathname === paths.landing },
    {
      to: paths.tokenManagement,
      words: "Token Management",
      Icon: KeyRound,
      current: pathname.startsWith(paths.tokenManagement) || pathname.startsWith("/applications/"),
    },
    ...(people
      ? [{ to: paths.people, words: "People", Icon: UsersRound, current: pathname === paths.people }]
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

/** Counts changes of the path, so that each new page's heading takes the focus once; not on the first page, where the skip link comes first. */
function useNavigationCount(): { count: number; focused: { current: number } } {
  const { pathname } = useLocation();
  const seen = useRef(pathname);
  const count = useRef(0);
  const focused = useRef(0);
  if (seen.current !== pathname) {
    seen.current = pathname;
    count.current += 1;
  }
  const current = count.current;
  return useMemo(() => ({ count: current, focused }), [current]);
}
