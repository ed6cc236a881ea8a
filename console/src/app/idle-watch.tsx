import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
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
  const lastContact = useRef(Date.now());
  const [secondsLeft, setSecondsLeft] = useState(idleTimeoutSeconds);

  useEffect(() => {
    const contact = (): void => {
      lastContact.current = Date.now();
    };
    const ask = (): void => {
      contact();
      void queryClient.fetchQuery({ ...sessionQuery, staleTime: 0 }).catch(() => undefined);
    };
    const stopQueries = queryClient.getQueryCache().subscribe((event) => {
      if (event.type === "updated" && event.action.type === "success") contact();
    });
    const stopMutations = queryClient.getMutationCache().subscribe((event) => {
      if (event.type === "updated" && event.action.type === "success") contact();
    });
    const activity = (): void => {
      const since = Date.now() - lastContact.current;
      if (since > activityPingMs && since < (idleTimeoutSeconds - warnSeconds) * 1000) ask();
    };
    window.addEventListener("keydown", activity);
    window.addEventListener("pointerdown", activity);
    const timer = setInterval(() => {
      const left = idleTimeoutSeconds - (Date.now() - lastContact.current) / 1000;
      setSecondsLeft(left);
      // Two seconds late, so that the question itself does not prolong the session.
      if (left < -2) ask();
    }, 1_000);
    return () => {
      stopQueries();
      stopMutations();
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
          lastContact.current = Date.now();
          setSecondsLeft(idleTimeoutSeconds);
          void queryClient.fetchQuery({ ...sessionQuery, staleTime: 0 }).catch(() => undefined);
        }}
      >
        Stay logged in
      </Button>
    </section>
  );
}
