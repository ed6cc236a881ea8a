import { scopeSentences } from "@fusion/contract/scopes.ts";
import { revokeReasonWords, type TokenDetails } from "@fusion/contract/tokens.ts";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { type ReactElement, useState } from "react";
import { paths } from "../../lib/paths.ts";
import { countdown } from "../../lib/time.ts";
import { AllowListDialog } from "../../ui/allow-list-dialog.tsx";
import { Fact, Facts } from "../../ui/facts.tsx";
import { IpRanges } from "../../ui/ip-ranges.tsx";
import { Mono } from "../../ui/mono.tsx";
import { ExactTime, RelativeTime } from "../../ui/relative-time.tsx";
import { PlannedEnd } from "./planned-end.tsx";
import { Receipt } from "./receipt.tsx";
import { isLive } from "./token-badge.tsx";
import classes from "./tokens.module.css";

/** What is fixed about a token and what has become of it, each fact under its name. */
export function TokenFacts({ token, now }: { token: TokenDetails; now: number }): ReactElement {
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

/** The scopes that it was generated with but may no longer use, because its application has lost them. */
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
          emptied="Allowed from wherever its application may be used."
          onClose={() => setEditing(false)}
        />
      )}
    </div>
  );
}
