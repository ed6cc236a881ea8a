import type { RevokedToken, TokenDetails } from "@fusion/contract/tokens.ts";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { type ReactElement, type ReactNode, useCallback, useEffect, useState } from "react";
import { isMissing } from "../../lib/api.ts";
import { applicationQuery } from "../../lib/application-query.ts";
import { openedOverPage, useCloseDialog, useDialogOpen } from "../../lib/dialog-entry.ts";
import { paths } from "../../lib/paths.ts";
import { TimeZoneContext } from "../../lib/time-zone.tsx";
import { useNow } from "../../lib/use-now.ts";
import { useShown } from "../../lib/use-shown.ts";
import { Breadcrumb } from "../../ui/breadcrumb.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { EnvironmentBadge, EnvironmentRule } from "../../ui/environment-badge.tsx";
import { LargeLifeline } from "../../ui/lifeline.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { ErrorState, PageSkeleton, RowsSkeleton, StaleSign } from "../../ui/states.tsx";
import { SuspendedNotice } from "../../ui/suspended-notice.tsx";
import { CallsChart } from "./calls-chart.tsx";
import { CutOverSection } from "./cut-over-section.tsx";
import { GenerateDialog } from "./generate-dialog.tsx";
import { drawnReminders } from "./planned-reminders.ts";
import { ReminderPanel } from "./reminder-panel.tsx";
import { isRenewable } from "./renewable.ts";
import { RevokeToaster, type RevokeToasterProps } from "./revoke-toaster.tsx";
import { RevokedFact } from "./revoked-fact.tsx";
import { Timeline } from "./timeline.tsx";
import { isLive, TokenBadge } from "./token-badge.tsx";
import { TokenCallers } from "./token-callers.tsx";
import { TokenFacts } from "./token-facts.tsx";
import { cutOverQuery, tokenQuery, tokenRemindersQuery } from "./token-queries.ts";
import classes from "./tokens.module.css";
import { ViewOnly } from "./view-only.tsx";

/** Everything about one token, always in its fintech's time zone. `?renew=1` opens the dialog that generates its replacement. */
export function TokenPage(): ReactElement {
  const { applicationId, tokenId } = useParams({ from: `/frame${paths.token}` });
  const query = useQuery(tokenQuery(tokenId));
  const { error, isPending, refetch } = query;
  const token = useShown(query);
  const fintechName = useQuery(applicationQuery(applicationId)).data?.fintechName;
  const above = (
    <Breadcrumb fintechName={fintechName}>
      <Link to={paths.application} params={{ applicationId }}>
        {token?.applicationName ?? "Application"}
      </Link>
    </Breadcrumb>
  );
  if (isPending) return <PageSkeleton label="Loading the token" />;
  if (token === undefined) {
    return isMissing(error) ? (
      <PageHeader
        title="There is no such token"
        above={above}
        lead="The address may be mistyped, or you have no access to its application."
      />
    ) : (
      <>
        <PageHeader title="Token" above={above} />
        <ErrorState error={error} onRetry={() => void refetch()} />
      </>
    );
  }
  // Keyed by the token, so that a link to another token starts afresh.
  return (
    <TimeZoneContext.Provider value={token.timeZone}>
      <Token key={token.tokenId} token={token} above={above} stale={<StaleSign of={query} />} />
    </TimeZoneContext.Provider>
  );
}

function Token(props: { token: TokenDetails; above: ReactNode; stale: ReactNode }): ReactElement {
  const { token, above, stale } = props;
  const now = useNow(1_000);
  const navigate = useNavigate({ from: paths.token });
  const { renew } = useSearch({ from: `/frame${paths.token}` });
  const applicationAsked = useQuery(applicationQuery(token.applicationId));
  const application = applicationAsked.data;
  const remindersAsked = useQuery(tokenRemindersQuery(token.tokenId));
  const reminders = remindersAsked.data;
  const replacement = useQuery({
    ...tokenQuery(token.replacedBy ?? ""),
    enabled: token.replacedBy !== null,
  }).data;
  const isRenewal = token.replaces !== null || token.replacedBy !== null;
  const cutOver = useQuery({ ...cutOverQuery(token.tokenId), enabled: isRenewal });
  // What is below the cut-over waits for its first answer, or would be pushed down by it while somebody reads; but not for tries to come.
  const awaitsCutOver = cutOver.isLoading && cutOver.failureCount === 0;
  const [revoking, setRevoking] = useState<Pick<RevokeToasterProps, "token" | "reason">>();
  const [fact, setFact] = useState<RevokedToken>();
  const renewable = token.canManage && !token.applicationSuspended && isRenewable(token);
  // The dialog itself makes the replacement, after which the token is no longer renewable, and it still has to show the secret.
  const asked = renew === 1;
  const renewing = useDialogOpen(asked, renewable && application !== undefined);
  const takeOut = useCallback(
    () => void navigate({ search: {}, replace: true, resetScroll: false }),
    [navigate],
  );
  const closeDialog = useCloseDialog(takeOut);
  // Otherwise the dialog would open by itself once the replacement ends.
  const inVain = asked && !renewing && !renewable;
  useEffect(() => {
    if (inVain) takeOut();
  }, [inVain, takeOut]);
  return (
    <>
      <EnvironmentRule environment={token.environment} />
      <PageHeader
        title={token.name}
        tab={`token, ${token.environment}`}
        above={above}
        badges={
          <>
            <EnvironmentBadge environment={token.environment} />
            <TokenBadge token={token} now={now} />
            {stale}
          </>
        }
        lead={
          <span className={classes.ids}>
            <Mono>{token.tokenId}</Mono>
            <CopyButton value={token.tokenId} label="Copy token id" />
            <Mono>{token.hint}</Mono>
          </span>
        }
        actions={
          (token.canManage || token.canRevoke) && (
            <>
              {token.canRevoke && (isLive(token) || isUnconfirmed(token)) && (
                <Button variant="outline" color="urgent" onClick={() => setRevoking({ token })}>
                  Revoke
                </Button>
              )}
              {renewable && (
                <Button
                  variant={token.status === "active" ? "default" : "filled"}
                  onClick={() =>
                    void navigate({ search: { renew: 1 }, state: openedOverPage, resetScroll: false })
                  }
                >
                  Renew
                </Button>
              )}
            </>
          )
        }
      />
      {application && <ViewOnly application={application} />}
      {token.applicationSuspended && <SuspendedNotice what="this token's application" />}
      {asked && renewable && application === undefined && applicationAsked.isError && (
        <ErrorState error={applicationAsked.error} onRetry={() => void applicationAsked.refetch()} />
      )}
      {fact && <RevokedFact key={fact.tokenId} revoked={[fact]} onClose={() => setFact(undefined)} />}
      <div className={classes.life}>
        <LargeLifeline
          life={token}
          now={now}
          timeZone={token.timeZone}
          reminders={drawnReminders({
            reminders,
            expiresAt: token.expiresAt,
            timeZone: token.timeZone,
            reminderTime: token.reminderTime,
            now,
          })}
          replacement={replacement ?? null}
        />
      </div>
      <TokenFacts token={token} now={now} />
      {isRenewal && (
        <CutOverSection
          tokenId={token.tokenId}
          applicationId={token.applicationId}
          onRevoke={
            token.canRevoke ? (renewed) => setRevoking({ token: renewed, reason: "replaced" }) : undefined
          }
        />
      )}
      {awaitsCutOver ? (
        <RowsSkeleton label="Loading the calls" />
      ) : (
        <div className={classes.columns}>
          <section aria-labelledby="calls-heading" className={classes.column}>
            <h2 id="calls-heading">Calls</h2>
            <CallsChart token={token} />
            <TokenCallers token={token} />
          </section>
          <div className={classes.column}>
            <section aria-labelledby="reminders-heading">
              <h2 id="reminders-heading">Reminders</h2>
              <ReminderPanel token={token} reminders={reminders} />
              <StaleSign of={remindersAsked} />
              {remindersAsked.isLoadingError && (
                <ErrorState error={remindersAsked.error} onRetry={() => void remindersAsked.refetch()} />
              )}
            </section>
            <section aria-labelledby="timeline-heading">
              <h2 id="timeline-heading">History</h2>
              {token.timeline.length === 0 ? (
                <p className={classes.soft}>Nothing is recorded.</p>
              ) : (
                <Timeline token={token} />
              )}
            </section>
          </div>
        </div>
      )}
      {revoking && (
        <RevokeToaster
          {...revoking}
          of={{ ...token, fintechName: application?.fintechName }}
          onCancel={() => setRevoking(undefined)}
          onRevoked={(revoked) => {
            setRevoking(undefined);
            setFact(revoked);
          }}
        />
      )}
      {renewing && application && (
        <GenerateDialog application={application} renews={token} onClose={closeDialog} />
      )}
    </>
  );
}

/** Whether it is revoked but the answer was lost before every process was known to refuse it. Revoking it again completes that. */
function isUnconfirmed({ revocation }: TokenDetails): boolean {
  return revocation?.receipt?.effectiveAt === null;
}
