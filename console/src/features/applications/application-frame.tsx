import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactElement, ReactNode } from "react";
import { isMissing } from "../../lib/api.ts";
import { applicationQuery } from "../../lib/application-query.ts";
import { paths } from "../../lib/paths.ts";
import { TimeZoneContext } from "../../lib/time-zone.tsx";
import { useShown } from "../../lib/use-shown.ts";
import { Breadcrumb } from "../../ui/breadcrumb.tsx";
import { EnvironmentBadge, EnvironmentRule } from "../../ui/environment-badge.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { ErrorState, PageSkeleton, StaleSign } from "../../ui/states.tsx";
import { SuspendedNotice } from "../../ui/suspended-notice.tsx";
import { TabLink, TabLinks } from "../../ui/tab-links.tsx";

/** What the pages about one application share: its name, its environment and the links between them. Times are in its fintech's zone. */
export function ApplicationFrame(props: {
  path: typeof paths.application | typeof paths.activity;
  children: (application: ApplicationDetails) => ReactNode;
}): ReactElement {
  const { applicationId } = useParams({ from: `/frame${props.path}` });
  const query = useQuery(applicationQuery(applicationId));
  const { error, isPending, refetch } = query;
  const application = useShown(query);
  if (isPending) return <PageSkeleton label="Loading the application" />;
  const above = (
    <Breadcrumb fintechName={application?.fintechName}>
      <Link to={paths.tokenManagement}>Token Management</Link>
    </Breadcrumb>
  );
  if (application === undefined) {
    return isMissing(error) ? (
      <PageHeader
        title="There is no such application"
        above={above}
        lead="The address may be mistyped, or you have no access to it."
      />
    ) : (
      <>
        <PageHeader title="Application" above={above} />
        <ErrorState error={error} onRetry={() => void refetch()} />
      </>
    );
  }
  return (
    <TimeZoneContext.Provider value={application.timeZone}>
      <EnvironmentRule environment={application.environment} />
      <PageHeader
        title={application.name}
        tab={`${props.path === paths.activity ? "API activity, " : ""}${application.environment}`}
        above={above}
        badges={
          <>
            <EnvironmentBadge environment={application.environment} />
            <StaleSign of={query} />
          </>
        }
        lead={application.description}
      />
      {application.suspended && <SuspendedNotice what="this application" />}
      <TabLinks label="About this application">
        <TabLink to={paths.application} params={{ applicationId }}>
          Details and tokens
        </TabLink>
        <TabLink to={paths.activity} params={{ applicationId }}>
          API activity
        </TabLink>
      </TabLinks>
      {props.children(application)}
    </TimeZoneContext.Provider>
  );
}
