import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { millisecondsSinceContact, noteActivity, noteContact } from "../lib/presence.ts";
import { sessionQuery } from "../lib/session.ts";
import { countdownOf } from "../lib/time.ts";
import classes from "./frame.module.css";

const warnSeconds = 60;
/** Somebody who types or points without asking the server anything is there all the same: tell it so this often. */
const activityPingMs = 60_000;

/**
 * Warns a minute before the session ends for want of use, and at its end asks the server, which knows of other windows too: either it
 * goes on, or the answer leads to the login page.
 */
export function IdleWatch({ idleTimeoutSeconds }: { idleTimeoutSeconds: number }) {
  const queryClient = useQueryClient();
  const [secondsLeft, setSecondsLeft] = useState(idleTimeoutSeconds);

  useEffect(() => {
    // Whoever has just logged in or opened the console is there.
    noteActivity();
    noteContact({});
    let asking = false;
    const ask = (): void => {
      if (asking) return;
      asking = true;
      void queryClient
        .fetchQuery({ ...sessionQuery, staleTime: 0 })
        // The session lives, by another window if not by this one.
        .then(() => noteContact({}))
        .catch(() => undefined)
        .finally(() => {
          asking = false;
        });
    };
    const activity = (): void => {
      noteActivity();
      if (millisecondsSinceContact() > activityPingMs) ask();
    };
    window.addEventListener("keydown", activity);
    window.addEventListener("pointerdown", activity);
    const timer = setInterval(() => {
      const left = idleTimeoutSeconds - millisecondsSinceContact() / 1000;
      setSecondsLeft(left);
      // Two seconds late, and asked by the page itself, so that the question does not prolong the session.
      if (left < -2) ask();
    }, 1_000);
    return () => {
      window.removeEventListener("keydown", activity);
      window.removeEventListener("pointerdown", activity);
      clearInterval(timer);
    };
  }, [queryClient, idleTimeoutSeconds]);

  if (secondsLeft > warnSeconds) return null;
  return (
    <section className={classes.idle} aria-label="Session">
      <p>
        <span role="status">Nothing has happened here for a while. You will be logged out soon.</span>{" "}
        <span className="figures">{countdownOf(secondsLeft)}</span>
      </p>
      <Button
        size="xs"
        onClick={() => {
          noteActivity();
          void queryClient.fetchQuery({ ...sessionQuery, staleTime: 0 }).catch(() => undefined);
        }}
      >
        Stay logged in
      </Button>
    </section>
  );
}
