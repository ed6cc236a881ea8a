import type { ReactElement, ReactNode } from "react";
import classes from "./facts.module.css";

/** What is known about one object, each fact under its name. */
export function Facts({ children }: { children: ReactNode }): ReactElement {
  return <dl className={classes.facts}>{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
