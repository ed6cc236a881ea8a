import type { ReactElement } from "react";
import { Mono } from "../../ui/mono.tsx";
import classes from "./tokens.module.css";

/** Who calls: address and user agent. Callers that were counted `together` have neither. */
export function CallerCell({
  caller: { ip, userAgent },
  together,
}: {
  caller: { readonly ip: string; readonly userAgent: string };
  together: boolean;
}): ReactElement {
  if (together) return <span>Further callers, counted together</span>;
  return (
    <div className={classes.tokenCell}>
      <Mono>{ip}</Mono>
      <span className={classes.soft}>{userAgent === "" ? "No user agent" : userAgent}</span>
    </div>
  );
}
