import type { ReactNode } from "react";
import classes from "./mono.module.css";

/** Ids, hints, addresses and amounts: distinct `0 O 1 l I`. */
export function Mono({ children }: { children: ReactNode }) {
  return <span className={classes.mono}>{children}</span>;
}
