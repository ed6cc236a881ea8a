import type { ReactElement } from "react";
import classes from "./suspended-notice.module.css";

/** What it means that an application is suspended, on its own pages and on those of its tokens. */
export function SuspendedNotice({
  what,
}: {
  what: "this application" | "this token's application";
}): ReactElement {
  return (
    <p className={classes.suspended}>
      The Fusion team has suspended {what}. Its tokens are refused and none can be generated until that ends;
      nothing else is changed.
    </p>
  );
}
