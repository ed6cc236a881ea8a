import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import { scopeSentences } from "@fusion/contract/scopes.ts";
import { Button } from "@mantine/core";
import { ExternalLink } from "lucide-react";
import { type ReactElement, type ReactNode, useState } from "react";
import { paths, references } from "../../lib/paths.ts";
import { AllowListDialog } from "../../ui/allow-list-dialog.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { IpRanges } from "../../ui/ip-ranges.tsx";
import { Mono } from "../../ui/mono.tsx";
import { ExactTime, RelativeTime } from "../../ui/relative-time.tsx";
import { ApplicationFrame } from "./application-frame.tsx";
import classes from "./applications.module.css";

/** Everything about one application. The section with its tokens is passed in, since another feature owns it. */
export function ApplicationPage(props: {
  tokens: (application: ApplicationDetails) => ReactNode;
}): ReactElement {
  return (
    <ApplicationFrame path={paths.application}>
      {(application) => (
        <>
          <Details application={application} />
          {props.tokens(application)}
        </>
      )}
    </ApplicationFrame>
  );
}

function Details({ application }: { application: ApplicationDetails }): ReactElement {
  return (
    <dl className={classes.details}>
      <Fact name="Environment">
        {application.environment === "live" ? "Live: real people, real money" : "Sandbox: test data only"}
      </Fact>
      <Fact name="Client id">
        <Mono>{application.clientId}</Mono>
        <CopyButton value={application.clientId} label="Copy client id" />
      </Fact>
      <Fact name="IFI id">
        <Mono>{application.ifiId}</Mono>
        <CopyButton value={application.ifiId} label="Copy IFI id" />
      </Fact>
      <Fact name="Base URL" width="two">
        <Mono>{application.baseUrl}</Mono>
        <CopyButton value={application.baseUrl} label="Copy base URL" />
        <a href={references.fusionApi} target="_blank" rel="noopener" className={classes.reference}>
          API reference <ExternalLink size={12} aria-label="(opens in a new tab)" />
        </a>
      </Fact>
      <Fact name="Created">
        <ExactTime instant={application.createdAt} />
      </Fact>
      <Fact name="Scopes" width="wide">
        <ul className={classes.scopes}>
          {application.scopes.map((scope) => (
            <li key={scope}>
              <Mono>{scope}</Mono> <span className={classes.soft}>{scopeSentences[scope]}</span>
            </li>
          ))}
        </ul>
      </Fact>
      <Fact name="Allowed IP addresses">
        <AllowedAddresses application={application} />
      </Fact>
      <Fact name="Limits">
        {application.tokensMax} active tokens, each for at most {application.lifetimeDaysMax} days
      </Fact>
      <Fact name="Last used">
        {application.lastUsedAt ? <RelativeTime instant={application.lastUsedAt} /> : "Never"}
      </Fact>
      <Fact name="Contacts" width="wide">
        {application.contacts.length === 0 ? (
          "Nobody can be reached about this application"
        ) : (
          <ul className={classes.contacts}>
            {application.contacts.map(({ name, role, address }) => (
              <li key={`${name} ${address}`}>
                {name}{" "}
                <span className={classes.soft}>
                  {roleWords(role)}, {address}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Fact>
    </dl>
  );
}

function AllowedAddresses({ application }: { application: ApplicationDetails }): ReactElement {
  const [editing, setEditing] = useState(false);
  return (
    <div className={classes.allowed}>
      <IpRanges ranges={application.ipAllowList} />
      {application.canSetAllowList && (
        <Button variant="default" size="xs" onClick={() => setEditing(true)}>
          Change allowed addresses
        </Button>
      )}
      {editing && (
        <AllowListDialog
          title="Allowed IP addresses"
          description={`From where tokens of ${application.name} may be used: addresses or CIDR ranges, one on a line. Empty: from anywhere.`}
          address={`/applications/${encodeURIComponent(application.applicationId)}/ip-allow-list`}
          present={application.ipAllowList}
          emptied="Allowed from anywhere, but for tokens with a list of their own."
          onClose={() => setEditing(false)}
        />
      )}
    </div>
  );
}

function Fact(props: { name: string; width?: "two" | "wide"; children: ReactNode }): ReactElement {
  return (
    <div className={props.width && classes[props.width]}>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

/** "fintech_admin" as people say it. */
function roleWords(role: string): string {
  return role.replace(/^fintech_/, "").replaceAll("_", " ");
}
