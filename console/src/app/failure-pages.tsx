import type { ErrorComponentProps } from "@tanstack/react-router";
import { useRouter } from "@tanstack/react-router";
import { paths } from "../lib/paths.ts";
import { LinkButton } from "../ui/link-button.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { ErrorState } from "../ui/states.tsx";
import classes from "./frame.module.css";

/** An address that leads nowhere. */
export function NotFoundPage() {
  return (
    <main className={classes.alone} id="content">
      <PageHeader
        title="There is nothing here"
        lead="The address may be mistyped, or what it named is gone."
      />
      <LinkButton to={paths.landing} variant="default">
        Go to the start
      </LinkButton>
    </main>
  );
}

/** A page that could not be shown at all: the server did not answer, or the console itself failed. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <main className={classes.alone} id="content">
      <PageHeader title="This page could not be shown" />
      <ErrorState
        error={error}
        onRetry={() => {
          reset();
          void router.invalidate();
        }}
      />
    </main>
  );
}
