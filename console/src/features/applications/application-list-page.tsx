import type { ApplicationSummary } from "@fusion/contract/applications.ts";
import { Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Eye } from "lucide-react";
import { type ReactElement, useState } from "react";
import { applicationListQuery } from "../../lib/application-query.ts";
import { paths } from "../../lib/paths.ts";
import { inOrder, matching, searchedFrom, withoutTokens } from "../../lib/search.ts";
import { isOperator, useSession } from "../../lib/session.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { EnvironmentBadge } from "../../ui/environment-badge.tsx";
import { LinkButton } from "../../ui/link-button.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { SearchField } from "../../ui/search-field.tsx";
import { EmptyState, ErrorState, RowsSkeleton, StaleSign } from "../../ui/states.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { useFocusOfMore } from "../../ui/use-focus-of-more.ts";
import classes from "./applications.module.css";
import { FoundTokens } from "./found-tokens.tsx";
import { outcomeWords } from "./outcome-words.ts";
import type { ShowStatus } from "./token-across-table.tsx";
import { foundTokensQuery } from "./tokens-across-query.ts";

const pageSize = 25;

/** The home of Token Management: the applications that the person may see, and a search among them and their tokens. */
export function ApplicationListPage({ showStatus }: { showStatus: ShowStatus }): ReactElement {
  const operator = isOperator(useSession());
  const list = useQuery(applicationListQuery);
  const [shown, setShown] = useState(pageSize);
  const { find = "" } = useSearch({ from: `/frame${paths.tokenManagement}` });
  const navigate = useNavigate({ from: paths.tokenManagement });
  const applications = inOrder(list.data?.applications ?? []);
  const untouched = isUntouched(applications);
  // If the address already has a search, the field shows what the list is narrowed to.
  const searched = !untouched || applications.length >= searchedFrom || find !== "";
  const found = matching(applications, find);
  const listed = found.slice(0, shown);
  const { rows, more, asked } = useFocusOfMore<HTMLDivElement>({ isFetching: false, count: listed.length });
  const tokenList = useInfiniteQuery(foundTokensQuery(find));
  const tokens = find === "" ? [] : (tokenList.data?.pages.flatMap((page) => page.tokens) ?? []);
  const openOnly = (): void => {
    const [application] = found;
    const [token] = tokens;
    if (find === "" || found.length + tokens.length !== 1) return;
    if (application)
      void navigate({ to: paths.application, params: { applicationId: application.applicationId } });
    else if (token)
      void navigate({
        to: paths.token,
        params: { applicationId: token.applicationId, tokenId: token.tokenId },
      });
  };
  return (
    <>
      <PageHeader
        title="Token Management"
        lead={
          operator
            ? "Every application, and the tokens its programs call the Fusion API with."
            : leadFor(applications)
        }
        actions={
          !operator && (
            <LinkButton to={paths.reminders} variant="default">
              Reminders
            </LinkButton>
          )
        }
      />
      {list.isPending ? (
        <RowsSkeleton label="Loading the applications" />
      ) : list.data === undefined ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <>
          <StaleSign of={list} />
          {operator && applications.length === 0 && (
            <EmptyState title="No applications yet">
              One is made at the server, by <Mono>fusion application create</Mono>; the fintech's people then
              generate its tokens.
            </EmptyState>
          )}
          {!operator && untouched && <Start applications={applications} />}
          {searched && (
            <SearchField
              label="Find an application or a token"
              description={
                operator
                  ? "An application by its name, description, fintech, client id or id; a token by its whole id or its last four characters."
                  : "An application by its name, description, client id or id; a token by its name, the beginning of its id or its last characters."
              }
              value={find}
              onSettled={(typed) => {
                const text = withoutTokens(typed);
                setShown(pageSize);
                void navigate({
                  search: text === "" ? {} : { find: text },
                  replace: true,
                  resetScroll: false,
                });
              }}
              outcome={
                find === "" || tokenList.isPlaceholderData
                  ? ""
                  : outcomeWords({
                      applications: found.length,
                      of: applications.length,
                      tokens: tokenList.data && tokens.length,
                      more: tokenList.hasNextPage,
                    })
              }
              onEnter={openOnly}
            />
          )}
          {find !== "" && <FoundTokens key={find} list={tokenList} tokens={tokens} showStatus={showStatus} />}
          {tokens.length > 0 && found.length > 0 && <h2 className={classes.foundHead}>Applications</h2>}
          {found.length > 0 && (
            <div ref={rows}>
              <DataTable
                caption="Applications"
                columns={columnsFor(operator)}
                rows={listed}
                rowKey={({ applicationId }) => applicationId}
                linked
              />
            </div>
          )}
          {shown < found.length && (
            <Button
              variant="default"
              mt="md"
              ref={more}
              onClick={() => {
                asked();
                setShown(shown + pageSize);
              }}
            >
              Show more
            </Button>
          )}
        </>
      )}
    </>
  );
}

/** What the person can do with the applications that were opened to them. */
function leadFor(applications: readonly ApplicationSummary[]): string {
  const manageable = applications.filter(({ canManage }) => canManage).length;
  if (applications.length > 0 && manageable === 0)
    return "Your applications. You may view them and their tokens; an admin of your fintech can let you manage them.";
  return manageable === applications.length
    ? "Your applications. Open one to see its tokens or generate one."
    : "Your applications. Open one to see its tokens, and to generate one where you may manage it.";
}

function columnsFor(operator: boolean): Column<ApplicationSummary>[] {
  return [
    {
      key: "name",
      header: "Application",
      onPhone: "lead",
      cell: (application) => (
        <div className={classes.nameCell}>
          <span className={classes.withBadge}>
            <Link to={paths.application} params={{ applicationId: application.applicationId }} data-row-link>
              {application.name}
            </Link>
            {application.suspended && <StatusBadge tone="urgent">Suspended</StatusBadge>}
            {!operator && !application.canManage && (
              <StatusBadge tone="ended" icon={Eye}>
                View only
              </StatusBadge>
            )}
          </span>
          <span className={classes.soft}>{application.description}</span>
        </div>
      ),
    },
    {
      key: "environment",
      header: "Environment",
      cell: ({ environment }) => <EnvironmentBadge environment={environment} />,
    },
    ...(operator
      ? [
          {
            key: "fintech",
            header: "Fintech",
            cell: ({ fintechName }: ApplicationSummary) => fintechName,
          },
        ]
      : []),
    {
      key: "tokens",
      header: "Tokens",
      cell: ({ activeTokens, expiringTokens }) => (
        <span className={classes.withBadge}>
          {activeTokens.toLocaleString("en-IN")} active
          {expiringTokens > 0 && (
            <StatusBadge tone="soon">{expiringTokens.toLocaleString("en-IN")} expiring</StatusBadge>
          )}
        </span>
      ),
    },
    {
      key: "used",
      header: "Last used",
      cell: ({ lastUsedAt }) =>
        lastUsedAt ? <RelativeTime instant={lastUsedAt} /> : <span className={classes.soft}>Never</span>,
    },
  ];
}

function isUntouched(applications: readonly ApplicationSummary[]): boolean {
  return applications.every(({ activeTokens, lastUsedAt }) => activeTokens === 0 && lastUsedAt === null);
}

/** What to do first, until there is a token. */
function Start({ applications }: { applications: readonly ApplicationSummary[] }): ReactElement {
  const first = applications.find(({ environment, canManage }) => environment === "sandbox" && canManage);
  return (
    <section className={classes.start} aria-labelledby="start-heading">
      <h2 id="start-heading">Three steps to the first call</h2>
      <ol>
        <li>
          <h3>Generate a token</h3>
          {first ? (
            <>
              <p>Start in the sandbox: nothing there is real.</p>
              <LinkButton
                to={paths.application}
                params={{ applicationId: first.applicationId }}
                search={{ generate: 1 }}
              >
                Generate a sandbox token
              </LinkButton>
            </>
          ) : applications.length === 0 ? (
            <p>
              The Fusion team first gives you access to an application. Ask them if you expected one here.
            </p>
          ) : (
            <p>Open an application. You need to be allowed to manage it.</p>
          )}
        </li>
        <li>
          <h3>Give it to your program</h3>
          <p>Download it as a .env file. It is shown once.</p>
        </li>
        <li>
          <h3>Make a call</h3>
          <p>The console tells you when the first one arrives.</p>
        </li>
      </ol>
    </section>
  );
}
