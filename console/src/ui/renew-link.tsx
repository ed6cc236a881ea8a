import type { ReactElement } from "react";
import { paths } from "../lib/paths.ts";
import { LinkButton } from "./link-button.tsx";

/** The link from a table row to the dialog that generates the token's replacement. */
export function RenewLink(props: {
  token: {
    readonly applicationId: string;
    readonly tokenId: string;
    readonly name: string;
    readonly hint: string;
  };
}): ReactElement {
  const { applicationId, tokenId, name, hint } = props.token;
  return (
    <LinkButton
      to={paths.token}
      params={{ applicationId, tokenId }}
      search={{ renew: 1 }}
      variant="outline"
      size="compact-sm"
      aria-label={`Renew ${name}, ${hint}`}
    >
      Renew
    </LinkButton>
  );
}
