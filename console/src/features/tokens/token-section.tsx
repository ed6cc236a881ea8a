import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import type { RevokedToken, TokenFilter, TokenSummary } from "@fusion/contract/tokens.ts";
import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { type ReactElement, useId, useState } from "react";
import { openedOverPage, useCloseDialog, useDialogOpen } from "../../lib/dialog-entry.ts";
import { paths } from "../../lib/paths.ts";
import { searchedFrom, withoutTokens } from "../../lib/search.ts";
import { useSession } from "../../lib/session.ts";
import filterClasses from "../../ui/filter-links.module.css";
import { PagedList } from "../../ui/paged-list.tsx";
import { SearchField } from "../../ui/search-field.tsx";
import { EmptyState } from "../../ui/states.tsx";
import { GenerateDialog } from "./generate-dialog.tsx";
import { RevokeAllToaster } from "./revoke-all-toaster.tsx";
import { RevokeToaster } from "./revoke-toaster.tsx";
import { RevokedFact } from "./revoked-fact.tsx";
import { tokenListQuery, tokensOf } from "./token-queries.ts";
import { TokenTable } from "./token-table.tsx";
import classes from "./tokens.module.css";
import { ViewOnly } from "./view-only.tsx";

const filters = [
  ["all", "All"],
  ["active", "Active"],
  ["expiring", "Expiring"],
  ["expired", "Expired"],
  ["revoked", "Revoked"],
] as const satisfies readonly (readonly [TokenFilter, string])[];

/** The tokens of an application, where they are generated, listed and revoked. Filter and dialog stand in the address. */
export function TokenSection({ application }: { application: ApplicationDetails }): ReactElement {
  const { status: filter = "all", find = "", generate } = useSearch({ from: `/frame${paths.application}` });
  const navigate = useNavigate({ from: paths.application });
  const { applicationId, canManage } = application;
  // As on a token's own page: the Fusion team's admins may revoke, too. The server decides.
  const { role } = useSession().user;
  const canRevoke = canManage || role === "operator_admin";
  const list = useInfiniteQuery(tokenListQuery(applicationId, filter, find));
  const suspendedId = useId();
  // One question at a time.
  const [toRevoke, setToRevoke] = useState<TokenSummary | "all">();
  const [fact, setFact] = useState<readonly RevokedToken[]>();
  const counts = list.data?.pages[0]?.counts;
  const tokens = tokensOf(list.data);
  const searched = find !== "" || (counts?.all ?? 0) >= searchedFrom;

  const generating = useDialogOpen(generate === 1, canManage && !application.suspended);
  const openDialog = (): void =>
    void navigate({
      search: (search) => ({ ...search, generate: 1 as const }),
      state: openedOverPage,
      resetScroll: false,
    });
  const closeDialog = useCloseDialog(
    () =>
      void navigate({
        search: ({ generate: _generate, ...rest }) => rest,
        replace: true,
        resetScroll: false,
      }),
  );

  return (
    <section aria-labelledby="tokens-heading" className={classes.section}>
      <div className={classes.sectionHead}>
        <h2 id="tokens-heading">Tokens</h2>
        <div className={classes.sectionActions}>
          {canRevoke && (counts?.active ?? 0) > 1 && (
            <Button variant="subtle" color="urgent" onClick={() => setToRevoke("all")}>
              Revoke all
            </Button>
          )}
          {canManage && (
            <Button
              leftSection={<KeyRound size={16} aria-hidden />}
              onClick={openDialog}
              disabled={application.suspended}
              aria-describedby={application.suspended ? suspendedId : undefined}
            >
              Generate Authentication Token
            </Button>
          )}
        </div>
        {canManage && application.suspended && (
          <p id={suspendedId} className={classes.whyNot}>
            None can be generated while the application is suspended.
          </p>
        )}
      </div>
      <ViewOnly application={application} />
      {fact && (
        <RevokedFact key={fact[0]?.tokenId ?? "none"} revoked={fact} onClose={() => setFact(undefined)} />
      )}
      {searched && (
        <SearchField
          label="Find a token"
          description="By its name, the beginning of its id or its last characters."
          value={find}
          onSettled={(typed) => {
            const text = withoutTokens(typed);
            void navigate({
              search: ({ find: _find, ...rest }) => (text === "" ? rest : { ...rest, find: text }),
              replace: true,
              resetScroll: false,
            });
          }}
          outcome={find === "" || list.isPlaceholderData ? "" : foundWords(tokens.length, list.hasNextPage)}
        />
      )}
      <nav aria-label="Filter tokens" className={filterClasses.filters}>
        {filters.map(([value, words]) => (
          <Link
            key={value}
            from={paths.application}
            to="."
            search={(search) => {
              const { status: _status, ...rest } = search;
              return value === "all" ? rest : { ...rest, status: value };
            }}
            resetScroll={false}
            className={filterClasses.filter}
            data-chosen={filter === value}
            aria-current={filter === value ? "true" : undefined}
          >
            {words} <span className={classes.count}>{counts?.[value] ?? ""}</span>
          </Link>
        ))}
      </nav>
      <PagedList
        list={list}
        label="Loading the tokens"
        count={tokens.length}
        empty={<NoTokens filter={filter} find={find} canManage={canManage} />}
      >
        <TokenTable
          tokens={tokens}
          timeZone={application.timeZone}
          reminderTime={application.reminderTime}
          canRenew={canManage && !application.suspended}
          onRevoke={canRevoke ? setToRevoke : undefined}
        />
      </PagedList>
      {toRevoke === "all" ? (
        <RevokeAllToaster
          application={{ ...application, tokens: counts?.active ?? 0 }}
          onCancel={() => setToRevoke(undefined)}
          onRevoked={(revoked) => {
            setToRevoke(undefined);
            setFact(revoked);
          }}
        />
      ) : (
        toRevoke && (
          <RevokeToaster
            token={toRevoke}
            of={{ ...application, applicationName: application.name }}
            onCancel={() => setToRevoke(undefined)}
            onRevoked={(revoked) => {
              setToRevoke(undefined);
              setFact([revoked]);
            }}
          />
        )
      )}
      {generating && <GenerateDialog application={application} onClose={closeDialog} />}
    </section>
  );
}

function foundWords(count: number, more: boolean): string {
  return count === 1 ? "1 token" : `${count}${more ? " or more" : ""} tokens`;
}

function NoTokens(props: { filter: TokenFilter; find: string; canManage: boolean }): ReactElement {
  const { filter, find, canManage } = props;
  if (find !== "")
    return <p className={classes.none}>No {filter === "all" ? "" : `${filter} `}token has this.</p>;
  if (filter !== "all") {
    return (
      <p className={classes.none}>
        {filter === "expiring" ? "No token ends within 15 days." : `No ${filter} tokens.`}
      </p>
    );
  }
  return (
    <EmptyState title="No tokens yet">
      {canManage
        ? "Generate one, store it where your program keeps its secrets, and make the first call."
        : "Somebody who may manage this application can generate one."}
    </EmptyState>
  );
}
