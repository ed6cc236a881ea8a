import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import type { ReactElement } from "react";
import { formatInstant } from "../../lib/time.ts";
import { LargeLifeline } from "../../ui/lifeline.tsx";
import { plannedReminders } from "./planned-reminders.ts";
import classes from "./tokens.module.css";
import type { TokenEnd } from "./use-token-end.ts";

const dayMs = 86_400_000;

/** When the token would end, in words and drawn, with the reminders before that. */
export function ExpiryPreview(props: {
  application: ApplicationDetails;
  end: TokenEnd;
  reminders: boolean;
  now: number;
}): ReactElement {
  const { application, end, reminders, now } = props;
  const { timeZone, reminderTime, lifetimeDaysMax } = application;
  const { shown } = end;
  return (
    <div className={classes.preview} data-state={shown === undefined ? "empty" : end.isOld ? "old" : "shown"}>
      <p className={classes.expires} role="status">
        {shown &&
          `Expires ${formatInstant(shown.expiresAt, timeZone)}, in ${shown.days} ${shown.days === 1 ? "day" : "days"}`}
      </p>
      <div className={classes.drawn}>
        <LargeLifeline
          life={{
            createdAt: new Date(now).toISOString(),
            expiresAt: shown?.expiresAt ?? new Date(now + lifetimeDaysMax * dayMs).toISOString(),
          }}
          now={now}
          timeZone={timeZone}
          reminders={
            shown && reminders
              ? plannedReminders({ expiresAt: shown.expiresAt, timeZone, reminderTime, now })
              : []
          }
        />
      </div>
    </div>
  );
}
