import type { RevokedToken } from "@fusion/contract/tokens.ts";
import { CloseButton } from "@mantine/core";
import { CircleSlash } from "lucide-react";
import { type ReactElement, useEffect, useRef } from "react";
import { formatExactTime } from "../../lib/time.ts";
import { useTimeZone } from "../../lib/time-zone.tsx";
import { Mono } from "../../ui/mono.tsx";
import { Receipt } from "./receipt.tsx";
import classes from "./tokens.module.css";

/**
 * The fact after a revocation of one or several tokens. It stays until it is closed, and takes the focus, since the button that was pressed
 * is gone.
 */
export function RevokedFact({
  revoked,
  onClose,
}: {
  revoked: readonly RevokedToken[];
  onClose: () => void;
}): ReactElement {
  const timeZone = useTimeZone();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Waits until the toaster has given the focus back to a button that is about to go.
    const timer = setTimeout(() => box.current?.focus(), 60);
    return () => clearTimeout(timer);
  }, []);
  const [only] = revoked;
  // Tokens revoked together took effect at the same instant. If some of them were repeats, the latest instant holds for all.
  const since = revoked
    .map((token) => token.effectiveAt)
    .toSorted()
    .at(-1);
  return (
    <div ref={box} className={classes.fact} role="status" tabIndex={-1}>
      <CircleSlash size={18} aria-hidden />
      <div>
        {only === undefined || since === undefined ? (
          <p>No token was active, so none was revoked.</p>
        ) : (
          <p>
            {revoked.length === 1 ? (
              <>
                Token <Mono>{only.tokenId}</Mono> revoked.
              </>
            ) : (
              <>{revoked.length} tokens revoked.</>
            )}{" "}
            Refused everywhere since{" "}
            <time dateTime={since} className={classes.strong}>
              {formatExactTime(since, timeZone)}
            </time>
            .
          </p>
        )}
        {only !== undefined && revoked.length === 1 && (
          <p className={classes.soft}>
            <Receipt receipt={only} />
          </p>
        )}
      </div>
      <CloseButton aria-label="Dismiss" onClick={onClose} />
    </div>
  );
}
