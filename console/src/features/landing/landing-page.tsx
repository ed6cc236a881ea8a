import { useQuery } from "@tanstack/react-query";
import { Eye, Landmark, Server, UserRound, UsersRound } from "lucide-react";
import { paths } from "../../lib/paths.ts";
import { isOperator, seesPeople, seesTeamActivity, useSession } from "../../lib/session.ts";
import { PageHeader } from "../../ui/page-header.tsx";
import { ErrorState } from "../../ui/states.tsx";
import { ExpiryNotice } from "./expiry-notice.tsx";
import classes from "./landing.module.css";
import { ModuleCard } from "./module-card.tsx";
import { summaryQuery } from "./summary-query.ts";
import { TokenManagementCard } from "./token-management-card.tsx";

/** The landing page: what needs the person's attention, if anything, and the links to the modules. */
export function LandingPage() {
  const session = useSession();
  const summary = useQuery(summaryQuery);
  return (
    <div>
      <PageHeader title={session.fintech?.name ?? "Fusion team"} />
      {summary.data?.lastExpired && <ExpiryNotice of={summary.data.lastExpired} />}
      {summary.data?.nextToExpire && (
        <ExpiryNotice of={summary.data.nextToExpire} others={summary.data.expiringWithin15Days - 1} />
      )}
      {summary.isError && <ErrorState error={summary.error} onRetry={() => void summary.refetch()} />}
      <ul className={classes.modules} aria-label="Modules">
        <TokenManagementCard summary={summary.data} role={session.user.role} />
        {isOperator(session) && (
          <>
            <ModuleCard to={paths.fintechs} Icon={Landmark} title="Fintechs">
              Account holders, accounts and transfers of each fintech, read-only.
            </ModuleCard>
            <ModuleCard to={paths.processes} Icon={Server} title="Processes">
              Whether every process that answers for tokens knows of every revocation.
            </ModuleCard>
          </>
        )}
        {seesPeople(session) && (
          <ModuleCard to={paths.people} Icon={UsersRound} title="People">
            Who has access, to which application, and who waits for a new password.
          </ModuleCard>
        )}
        {seesTeamActivity(session) && (
          <ModuleCard to={paths.teamActivity} Icon={Eye} title="Fusion team">
            What the Fusion team changed for your fintech, and what of your books they looked at.
          </ModuleCard>
        )}
        <ModuleCard to={paths.account} Icon={UserRound} title="Account">
          Your addresses, and the browsers in which you are logged in.
        </ModuleCard>
      </ul>
    </div>
  );
}
