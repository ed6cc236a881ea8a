import type { OverseenHolder } from "@fusion/contract/oversight.ts";
import type { ReactElement } from "react";
import { Mono } from "../../ui/mono.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import classes from "./oversight.module.css";

/** A holder's name, or that there is none. */
export function nameWords(name: string): string {
  return name === "" ? "No name" : name;
}

const identityWords = { p: "Phone", e: "Email", pan: "PAN", aadhaar: "Aadhaar", passport: "Passport" };

/** What identifies a holder, already masked by the server. */
export function Identities({ of }: { of: OverseenHolder }): ReactElement {
  return (
    <ul className={classes.identities}>
      {of.identities.map(({ type, masked }) => (
        <li key={`${type} ${masked}`}>
          <span className={classes.soft}>{identityWords[type]}</span> <Mono>{masked}</Mono>
        </li>
      ))}
    </ul>
  );
}

/** How well the bank knows the holder. */
export function KycBadge({ status }: { status: string }): ReactElement {
  const isGood = status === "FULL" || status === "MINIMAL";
  const words =
    status === "" ? "Not known" : status.charAt(0) + status.slice(1).toLowerCase().replaceAll("_", " ");
  return <StatusBadge tone={isGood ? "good" : "ended"}>{words}</StatusBadge>;
}
