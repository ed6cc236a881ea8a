import type { ReactNode } from "react";
import { isOperator, useSession } from "../lib/session.ts";
import classes from "./page-header.module.css";

/** The link to the page above. The Fusion team, who work for many fintechs, also see whose page this is. */
export function Breadcrumb(props: { children: ReactNode; fintechName: string | undefined }) {
  const operator = isOperator(useSession());
  return (
    <span className={classes.breadcrumb}>
      {props.children}
      {operator && props.fintechName !== undefined && (
        <>
          <span aria-hidden>·</span>
          <strong>{props.fintechName}</strong>
        </>
      )}
    </span>
  );
}
