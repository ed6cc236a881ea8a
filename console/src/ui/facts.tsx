import type { ReactElement, ReactNode } from "react";
import { CopyButton } from "./copy-button.tsx";
import classes from "./facts.module.css";
import { Mono } from "./mono.tsx";

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

/** An id, to read and to copy. */
export function IdFact({ name, id }: { name: string; id: string }): ReactElement {
  return (
    <Fact name={name}>
      <span className={classes.id}>
        <Mono>{id}</Mono>
        <CopyButton value={id} label={`Copy ${name}`} />
      </span>
    </Fact>
  );
}
