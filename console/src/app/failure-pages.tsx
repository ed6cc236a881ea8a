import type { ErrorComponentProps } from "@tanstack/react-router";
import { useRouter } from "@tanstack/react-router";
import { paths } from "../lib/paths.ts";
import { LinkButton } from "../ui/link-button.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { ErrorState } from "../ui/states.tsx";
import classes from "./frame.module.css";
import { ProgramNotLoaded, serverAnswers } from "./page-program.ts";

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

/** Shown inside the frame in place of a page that could not be shown at all: the server did not answer, or the console itself failed. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  async function tryAgain(): Promise<void> {
    // The router, and some browsers, remember for good that a program could not be fetched, so the page is loaded anew.
    if (error instanceof ProgramNotLoaded) {
      if (await serverAnswers()) window.location.reload();
      return;
    }
    reset();
    await router.invalidate();
  }
  return (
    <>
      <PageHeader title="This page could not be shown" />
      <ErrorState error={error} onRetry={() => void tryAgain()} />
    </>
  );
}

/** {@link PageFailure} where there is no frame around it. */
export function PageFailureAlone(props: ErrorComponentProps) {
  return (
    <main className={classes.alone} id="content">
      <PageFailure {...props} />
    </main>
  );
}
