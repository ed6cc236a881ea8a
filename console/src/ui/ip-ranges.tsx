import type { ReactElement } from "react";
import classes from "./ip-ranges.module.css";
import { Mono } from "./mono.tsx";

/** An IP allow-list to read. */
export function IpRanges({ ranges }: { ranges: readonly string[] }): ReactElement {
  if (ranges.length === 0) return <span>Calls from anywhere</span>;
  return (
    <ul className={classes.ranges}>
      {ranges.map((range) => (
        <li key={range}>
          <Mono>{range.replace(range.includes(":") ? /\/128$/ : /\/32$/, "")}</Mono>
        </li>
      ))}
    </ul>
  );
}
