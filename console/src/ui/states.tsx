import { Button, Skeleton, VisuallyHidden } from "@mantine/core";
import { TriangleAlert } from "lucide-react";
import { type ReactNode, useEffect, useEffectEvent, useState } from "react";
import { ApiProblem, isRefused, problemWords } from "../lib/api.ts";
import { formatMinute } from "../lib/time.ts";
import { useTimeZone } from "../lib/time-zone.tsx";
import { CopyButton } from "./copy-button.tsx";
import { Mono } from "./mono.tsx";
import classes from "./states.module.css";

/** An empty list: what will be there, and the one thing to do. */
export function EmptyState({
  title,
  children,
  action,
}: {
  title: string;
  children: ReactNode;
  action?: ReactNode;
}) {
  return (
    <section className={classes.empty}>
      <h2>{title}</h2>
      <p>{children}</p>
      {action && <div className={classes.action}>{action}</div>}
    </section>
  );
}

/**
 * A failure in words, the id to quote, and "Try again" unless the server refused, which would be the same again. Announced when it appears.
 */
export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div className={classes.error} role="alert">
      <TriangleAlert size={20} aria-hidden />
      <div>
        <p>{problemWords(error)}</p>
        {error instanceof ApiProblem && error.requestId !== undefined && (
          <p className={classes.reference}>
            Request <Mono>{error.requestId}</Mono>{" "}
            <CopyButton value={error.requestId} label="Copy request id" />
          </p>
        )}
        {onRetry && !isRefused(error) && (
          <div className={classes.action}>
            <Button variant="default" size="xs" onClick={onRetry}>
              Try again
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}

/** Says since when the data beside it is out of date because a refetch failed. Refetches by itself until there is an answer. */
export function StaleSign({
  of: { isRefetchError, dataUpdatedAt, refetch },
}: {
  of: { readonly isRefetchError: boolean; readonly dataUpdatedAt: number; refetch(): unknown };
}) {
  const timeZone = useTimeZone();
  const again = useEffectEvent(() => void refetch());
  useEffect(() => {
    if (!isRefetchError) return;
    const timer = setInterval(() => again(), 10_000);
    return () => clearInterval(timer);
  }, [isRefetchError]);
  if (!isRefetchError) return null;
  return (
    <p role="status" className={classes.stale}>
      Not up to date since {formatMinute(new Date(dataUpdatedAt).toISOString(), timeZone)}. Trying again.
    </p>
  );
}

/** A skeleton of a list that is loading. */
export function RowsSkeleton({ rows = 4, label }: { rows?: number; label: string }) {
  return (
    <Waiting label={label}>
      <div className={classes.rows}>
        {Array.from({ length: rows }, (_, row) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: identical placeholders that never move
          <div key={row} className={classes.row}>
            <Skeleton height={12} width="24%" />
            <Skeleton height={12} width="34%" />
            <Skeleton height={12} width="14%" />
          </div>
        ))}
      </div>
    </Waiting>
  );
}

/** A skeleton of a page that is loading: title, sentence, rows. */
export function PageSkeleton({ label }: { label: string }) {
  return (
    <Waiting label={label}>
      <Skeleton height={34} width="min(20rem, 70%)" mb="sm" />
      <Skeleton height={14} width="min(30rem, 90%)" mb="xl" />
      <div className={classes.rows}>
        {[0, 1, 2, 3].map((row) => (
          <div key={row} className={classes.row}>
            <Skeleton height={12} width="24%" />
            <Skeleton height={12} width="40%" />
          </div>
        ))}
      </div>
    </Waiting>
  );
}

/** Wraps a skeleton: screen readers hear what is loading, and after a second everybody reads it. */
export function Waiting({ label, children }: { label: string; children: ReactNode }) {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), 1_000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-busy="true">
      {!long && <VisuallyHidden>{label}</VisuallyHidden>}
      <div aria-hidden>{children}</div>
      <p className={classes.waiting}>{long && `${label} …`}</p>
    </div>
  );
}
