import type { ReactElement } from "react";
import { Mono } from "../../ui/mono.tsx";
import classes from "./tokens.module.css";

/** Who calls: address and user agent. */
export function CallerCell({
  caller: { ip, userAgent },
}: {
  caller: { readonly ip: string; readonly userAgent: string };
}): ReactElement {
  return (
    <div className={classes.tokenCell}>
      <Mono>{ip}</Mono>
      <span className={classes.soft}>{userAgent === "" ? "No user agent" : userAgent}</span>
    </div>
  );
}
