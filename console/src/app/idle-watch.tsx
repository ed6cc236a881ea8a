import { Button } from "@mantine/core";
import { useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { isProblem } from "../lib/api.ts";
import { usePageHeld } from "../lib/held-page.ts";
import { paths } from "../lib/paths.ts";
import { millisecondsSinceContact, noteActivity } from "../lib/presence.ts";
import { askSessionAgain, sessionQuery } from "../lib/session.ts";
import { countdownOf } from "../lib/time.ts";
import { useNow } from "../lib/use-now.ts";
import classes from "./frame.module.css";

const warnSeconds = 60;
/** How often the server is told that somebody is there who types or points without causing any request. */
const activityPingMs = 60_000;
/** How often the page itself asks the server while the end is near: only the server knows of other windows. */
const askEveryMs = 10_000;

/**
 * Warns a minute before the session ends, whether from idleness or from age, and counts down to the end that the server reported. At the
 * end it asks the server once more: either the session goes on, or the answer leads to the login page, unless the page is held.
 */
export function IdleWatch() {
  const client = useQueryClient();
  const { data: session, dataUpdatedAt, error } = useSuspenseQuery(sessionQuery);
  const isHeld = usePageHeld();
  const now = useNow(1_000);
  const askedAt = useRef(0);
  const endsAt = dataUpdatedAt + session.endsInSeconds * 1_000;
  const secondsLeft = (endsAt - now) / 1_000;

  useEffect(() => {
    // Somebody who has just logged in or opened the console is present.
    noteActivity();
    const activity = (): void => {
      noteActivity();
      if (millisecondsSinceContact() > activityPingMs) void askSessionAgain(client);
    };
    window.addEventListener("keydown", activity);
    window.addEventListener("pointerdown", activity);
    return () => {
      window.removeEventListener("keydown", activity);
      window.removeEventListener("pointerdown", activity);
    };
  }, [client]);

  useEffect(() => {
    // Asks shortly before the warning is due, since the page may not know of everything that has prolonged the session.
    if (endsAt - now > (warnSeconds + 5) * 1_000) return;
    const isOver = now > endsAt + 1_000 && askedAt.current <= endsAt + 1_000;
    if (!isOver && now - askedAt.current < askEveryMs) return;
    askedAt.current = now;
    void askSessionAgain(client);
  }, [client, endsAt, now]);

  const hasEnded = isProblem(error, "session_required");
  const isNear = secondsLeft <= warnSeconds;
  const words = hasEnded
    ? isHeld && "The session has ended. What you entered stays."
    : isNear &&
      (session.endsFor === "age"
        ? "This session is as old as one may get. It ends soon; log in again then."
        : "Nothing has happened here for a while. You will be logged out soon.");
  return (
    <section className={words ? classes.idle : undefined} aria-label={words ? "Session" : undefined}>
      <p>
        {/* Always rendered, so that screen readers announce its words when they appear. */}
        <span role="status">{words}</span>{" "}
        {words && !hasEnded && <span className="figures">{countdownOf(secondsLeft)}</span>}
        {words && hasEnded && (
          <a href={paths.login} target="_blank" rel="noreferrer">
            Log in in another window
          </a>
        )}
      </p>
      {words && !hasEnded && session.endsFor === "idle" && (
        <Button
          size="xs"
          onClick={() => {
            noteActivity();
            void askSessionAgain(client);
          }}
        >
          Stay logged in
        </Button>
      )}
    </section>
  );
}
