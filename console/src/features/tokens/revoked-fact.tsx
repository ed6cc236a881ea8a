import type { RevokedToken } from "@fusion/contract/tokens.ts";
import { CloseButton } from "@mantine/core";
import { CircleSlash } from "lucide-react";
import { type ReactElement, useEffect, useRef } from "react";
import { formatExactTime } from "../../lib/time.ts";
import { useTimeZone } from "../../lib/time-zone.tsx";
import { Mono } from "../../ui/mono.tsx";
import classes from "./tokens.module.css";

/** The fact after a revocation. It stays until it is closed, and takes the focus: the button that was pressed is gone. */
export function RevokedFact({ fact, onClose }: { fact: RevokedToken; onClose: () => void }): ReactElement {
  const timeZone = useTimeZone();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // After the toaster has given the focus back to a button that is about to go.
    const timer = setTimeout(() => box.current?.focus(), 60);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div ref={box} className={classes.fact} role="status" tabIndex={-1}>
      <CircleSlash size={18} aria-hidden />
      <p>
        Token <Mono>{fact.tokenId}</Mono> revoked. Refused everywhere since{" "}
        <time dateTime={fact.revokedAt} className={classes.strong}>
          {formatExactTime(fact.revokedAt, timeZone)}
        </time>
        .
      </p>
      <CloseButton aria-label="Dismiss" onClick={onClose} />
    </div>
  );
}
