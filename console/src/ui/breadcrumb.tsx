import type { ReactNode } from "react";
import { isOperator, useSession } from "../lib/session.ts";
import classes from "./page-header.module.css";

/** The link to the page above; for the Fusion team, who work for many, with the fintech whose page this is. */
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
