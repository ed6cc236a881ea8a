import { scopeSentences } from "@fusion/contract/scopes.ts";
import { type RevokedToken, revokeReasonWords, type TokenDetails } from "@fusion/contract/tokens.ts";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { type ReactElement, type ReactNode, useCallback, useEffect, useState } from "react";
import { isMissing } from "../../lib/api.ts";
import { applicationQuery } from "../../lib/application-query.ts";
import { openedOverPage, useCloseDialog } from "../../lib/dialog-entry.ts";
import { paths } from "../../lib/paths.ts";
import { countdown } from "../../lib/time.ts";
import { TimeZoneContext } from "../../lib/time-zone.tsx";
import { useNow } from "../../lib/use-now.ts";
import { useShown } from "../../lib/use-shown.ts";
import { AllowListDialog } from "../../ui/allow-list-dialog.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { EnvironmentBadge, EnvironmentRule } from "../../ui/environment-badge.tsx";
import { Fact, Facts } from "../../ui/facts.tsx";
import { IpRanges } from "../../ui/ip-ranges.tsx";
import { LargeLifeline } from "../../ui/lifeline.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { ExactTime, RelativeTime } from "../../ui/relative-time.tsx";
import { ErrorState, PageSkeleton, StaleSign } from "../../ui/states.tsx";
import { CallerCell } from "./caller-cell.tsx";
import { CallsChart } from "./calls-chart.tsx";
import { CutOverSection } from "./cut-over-section.tsx";
import { GenerateDialog } from "./generate-dialog.tsx";
import { PlannedEnd } from "./planned-end.tsx";
import { drawnReminders } from "./planned-reminders.ts";
import { Receipt } from "./receipt.tsx";
import { ReminderPanel } from "./reminder-panel.tsx";
import { isRenewable } from "./renewable.ts";
import { RevokeToaster } from "./revoke-toaster.tsx";
import { RevokedFact } from "./revoked-fact.tsx";
import { Timeline } from "./timeline.tsx";
import { isLive, TokenBadge } from "./token-badge.tsx";
import { tokenQuery, tokenRemindersQuery } from "./token-queries.ts";
import classes from "./tokens.module.css";

/** Everything about one token, in its fintech's time zone, whoever looks. `?renew=1` has the dialog open that generates its replacement. */
export function TokenPage(): ReactElement {
  const { applicationId, tokenId } = useParams({ from: `/frame${paths.token}` });
  const query = useQuery(tokenQuery(tokenId));
  const { error, isPending, refetch } = query;
  const token = useShown(query);
  const above = (
    <Link to={paths.application} params={{ applicationId }}>
      {token?.applicationName ?? "Application"}
    </Link>
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
  // A token's own page starts afresh when a link leads to another token.
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
  const [revoking, setRevoking] = useState(false);
  const [fact, setFact] = useState<RevokedToken>();
  const renewable = token.canManage && isRenewable(token);
  // Whether it may be renewed only opens the dialog. What is open stays while the address asks for it: the dialog itself makes the
  // replacement after which the token may not be renewed any more, and has to show its secret.
  const asked = renew === 1;
  const [held, setHeld] = useState(false);
  const renewing = asked && (held || (renewable && application !== undefined));
  if (renewing !== held) setHeld(renewing);
  const takeOut = useCallback(
    () => void navigate({ search: {}, replace: true, resetScroll: false }),
    [navigate],
  );
  const closeDialog = useCloseDialog(takeOut);
  // Else it would open by itself, whenever the replacement ends.
  const inVain = asked && !renewing && !renewable;
  useEffect(() => {
    if (inVain) takeOut();
  }, [inVain, takeOut]);
  return (
    <>
      <EnvironmentRule environment={token.environment} />
      <PageHeader
        title={token.name}
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
                <Button variant="outline" color="urgent" onClick={() => setRevoking(true)}>
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
      {asked && renewable && application === undefined && applicationAsked.isError && (
        <ErrorState error={applicationAsked.error} onRetry={() => void applicationAsked.refetch()} />
      )}
      {fact && <RevokedFact revoked={[fact]} onClose={() => setFact(undefined)} />}
      <div className={classes.life}>
        <LargeLifeline
          life={token}
          now={now}
          timeZone={token.timeZone}
          reminders={drawnReminders({
            reminders,
            expiresAt: token.expiresAt,
            timeZone: token.timeZone,
            now,
          })}
          replacement={replacement ?? null}
        />
      </div>
      <TokenFacts token={token} now={now} />
      {(token.replaces !== null || token.replacedBy !== null) && (
        <CutOverSection tokenId={token.tokenId} applicationId={token.applicationId} />
      )}
      <div className={classes.columns}>
        <section aria-labelledby="calls-heading" className={classes.column}>
          <h2 id="calls-heading">Calls</h2>
          <CallsChart days={token.callsPerDay} />
          <Callers callers={token.callers} />
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
              <Timeline events={token.timeline} applicationId={token.applicationId} />
            )}
          </section>
        </div>
      </div>
      {revoking && (
        <RevokeToaster
          token={token}
          onCancel={() => setRevoking(false)}
          onRevoked={(revoked) => {
            setRevoking(false);
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

/** Revoked, but the answer was lost before it was certain that every process knows: revoking again completes it. */
function isUnconfirmed({ revocation }: TokenDetails): boolean {
  return revocation?.receipt?.effectiveAt === null;
}

function TokenFacts({ token, now }: { token: TokenDetails; now: number }): ReactElement {
  const { lastUse, revocation } = token;
  const plan = isLive(token) ? token.plannedRevocation : null;
  const link = (tokenId: string): ReactElement => (
    <Link to={paths.token} params={{ applicationId: token.applicationId, tokenId }}>
      <Mono>{tokenId}</Mono>
    </Link>
  );
  return (
    <Facts>
      {plan && (
        <Fact name="Ends">
          <PlannedEnd token={token} plan={plan} now={now} />
        </Fact>
      )}
      <Fact
        name={
          revocation
            ? "Would have expired"
            : plan?.at
              ? "Would expire"
              : token.status === "expired"
                ? "Expired"
                : "Expires"
        }
      >
        <ExactTime instant={token.expiresAt} />
        {isLive(token) && !plan?.at && (
          <span className={classes.soft}>{countdown(token.expiresAt, now)} left</span>
        )}
      </Fact>
      {revocation && (
        <Fact name="Revoked">
          <ExactTime instant={revocation.at} />
          <span className={classes.soft}>
            {revocation.by}, {revokeReasonWords[revocation.reason].toLowerCase()}
          </span>
        </Fact>
      )}
      {revocation?.receipt && (
        <Fact name="Refused everywhere">
          {revocation.receipt.effectiveAt ? (
            <ExactTime instant={revocation.receipt.effectiveAt} />
          ) : (
            "Not yet confirmed: revoke again"
          )}
          <span className={classes.soft}>
            <Receipt receipt={revocation.receipt} />
          </span>
        </Fact>
      )}
      <Fact name="Last used">
        {lastUse ? (
          <>
            <RelativeTime instant={lastUse.at} />
            <span className={classes.soft}>
              <Mono>{lastUse.route}</Mono> from <Mono>{lastUse.ip}</Mono>
            </span>
          </>
        ) : (
          "Never"
        )}
      </Fact>
      <Fact name="Generated">
        <ExactTime instant={token.createdAt} />
        <span className={classes.soft}>{token.createdBy}</span>
      </Fact>
      <Fact name="Scope">
        {token.scopesNow.map((scope) => (
          <span key={scope}>
            <Mono>{scope}</Mono> <span className={classes.soft}>{scopeSentences[scope]}</span>
          </span>
        ))}
        <LostScopes token={token} />
      </Fact>
      <Fact name="Allowed IP addresses">
        <AllowedAddresses token={token} />
      </Fact>
      <Fact name="Application">
        <Link to={paths.application} params={{ applicationId: token.applicationId }}>
          {token.applicationName}
        </Link>
      </Fact>
      <Fact name="Client id">
        <Mono>{token.clientId}</Mono>
      </Fact>
      {token.replaces !== null && <Fact name="Renews">{link(token.replaces)}</Fact>}
      {token.replacedBy !== null && <Fact name="Renewed by">{link(token.replacedBy)}</Fact>}
    </Facts>
  );
}

/** What it was generated with and may not use, because the application may not have it any more. */
function LostScopes({ token }: { token: TokenDetails }): ReactElement | null {
  const lost = token.scopes.filter((scope) => !token.scopesNow.includes(scope));
  if (lost.length === 0) return null;
  return (
    <span className={classes.soft}>
      Generated with {lost.join(", ")}, which its application may not have any more.
    </span>
  );
}

function AllowedAddresses({ token }: { token: TokenDetails }): ReactElement {
  const [editing, setEditing] = useState(false);
  const further = token.applicationIpAllowList.length > 0;
  return (
    <div className={classes.allowed}>
      {token.ipAllowList.length === 0 && further ? (
        <span>All that its application allows</span>
      ) : (
        <IpRanges ranges={token.ipAllowList} />
      )}
      {token.ipAllowList.length > 0 && further && (
        <span className={classes.soft}>A call must be inside its application's list, too.</span>
      )}
      {token.canManage && isLive(token) && (
        <Button variant="default" size="xs" onClick={() => setEditing(true)}>
          Change allowed addresses
        </Button>
      )}
      {editing && (
        <AllowListDialog
          title="Allowed IP addresses"
          description={`From where ${token.name} may be used: addresses or CIDR ranges, one on a line. Empty: from wherever its application may be used.`}
          address={`/tokens/${encodeURIComponent(token.tokenId)}/ip-allow-list`}
          present={token.ipAllowList}
          onClose={() => setEditing(false)}
        />
      )}
    </div>
  );
}

type Caller = TokenDetails["callers"][number];
const callerColumns: Column<Caller>[] = [
  {
    key: "caller",
    header: "Caller",
    onPhone: "lead",
    cell: (caller) => <CallerCell caller={caller} />,
  },
  {
    key: "calls",
    header: "Calls",
    align: "right",
    cell: ({ calls }) => <span className="figures">{calls.toLocaleString("en-IN")}</span>,
  },
  {
    key: "last",
    header: "Last seen",
    align: "right",
    whole: true,
    cell: ({ lastAt }) => <RelativeTime instant={lastAt} />,
  },
];

function Callers({ callers }: { callers: readonly Caller[] }): ReactElement {
  if (callers.length === 0) return <p className={classes.soft}>Nobody called in the last 30 days.</p>;
  return (
    <DataTable
      caption="Callers in the last 30 days"
      columns={callerColumns}
      rows={callers}
      rowKey={({ ip, userAgent }) => `${ip} ${userAgent}`}
    />
  );
}
