import type { CalendarAddress } from "@fusion/contract/calendar.ts";
import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactElement, useState } from "react";
import { problemWords } from "../../lib/api.ts";
import { askAgain } from "../../lib/ask-again.ts";
import { ConfirmToaster } from "../../ui/confirm-toaster.tsx";
import { FormDialog } from "../../ui/form-dialog.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { SecretBox, SecretFoot } from "../../ui/secret-box.tsx";
import { ErrorState, RowsSkeleton } from "../../ui/states.tsx";
import { useToast } from "../../ui/toasts.tsx";
import { useSecretGuard } from "../../ui/use-secret-guard.ts";
import classes from "./account.module.css";
import { calendarQuery, makeCalendar, useEndCalendar } from "./account-queries.ts";

/** The address at which one's calendar program reads when tokens end. */
export function CalendarSection(): ReactElement {
  const feed = useQuery(calendarQuery);
  const end = useEndCalendar();
  const toast = useToast();
  const [asking, setAsking] = useState<"make" | "end">();
  const stop = (): void => setAsking(undefined);
  const madeAt = feed.data?.madeAt ?? null;
  return (
    <section className={classes.section} aria-labelledby="calendar">
      <div className={classes.head}>
        <h2 id="calendar">Calendar</h2>
        {feed.data && (
          <div className={classes.buttons}>
            {madeAt !== null && (
              <Button
                variant="default"
                size="xs"
                onClick={() => {
                  end.reset();
                  setAsking("end");
                }}
              >
                End the address
              </Button>
            )}
            <Button variant="default" size="xs" onClick={() => setAsking("make")}>
              {madeAt === null ? "Make an address" : "Make another address"}
            </Button>
          </div>
        )}
      </div>
      <p>
        Your calendar program can show when the tokens end that you asked to be reminded of, with an alarm for
        each planned reminder.
      </p>
      {feed.isPending && <RowsSkeleton rows={1} label="Loading your calendar" />}
      {feed.isError && <ErrorState error={feed.error} onRetry={() => void feed.refetch()} />}
      {feed.data && (
        <p className={classes.note}>
          {madeAt === null ? (
            "It has no address yet."
          ) : (
            <>
              Its address was made <RelativeTime instant={madeAt} />.
            </>
          )}
        </p>
      )}
      {asking === "make" && <AddressDialog replacing={madeAt !== null} onClose={stop} />}
      <ConfirmToaster
        opened={asking === "end"}
        title="End the calendar address?"
        confirmLabel="End the address"
        pending={end.isPending}
        error={end.error}
        onConfirm={() =>
          end.mutate(undefined, {
            onSuccess: () => {
              stop();
              toast("Calendar address ended.");
            },
          })
        }
        onCancel={stop}
      >
        <p>
          Programs that subscribed to it see your tokens no longer. It cannot be had back; you can make
          another.
        </p>
      </ConfirmToaster>
    </section>
  );
}

/** The address lives in the state of this component and nowhere else. */
function AddressDialog({ replacing, onClose }: { replacing: boolean; onClose: () => void }): ReactElement {
  const queryClient = useQueryClient();
  const [made, setMade] = useState<CalendarAddress>();
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const guard = useSecretGuard(onClose);

  async function submit(): Promise<void> {
    setPending(true);
    setProblem(null);
    guard.hold();
    try {
      setMade(await makeCalendar());
    } catch (error) {
      guard.release();
      setProblem(error);
    } finally {
      setPending(false);
      void askAgain(queryClient, { queryKey: calendarQuery.queryKey });
    }
  }

  return (
    <FormDialog title="Calendar address" onClose={() => !pending && guard.close()}>
      {made ? (
        <>
          <div className={classes.stack}>
            <SecretBox kind="address" secret={made.address} onKept={guard.release} />
            <p>
              Add it to your calendar program as a calendar to subscribe to, by its address. Give it to
              nobody: whoever has it sees the names of your tokens and when they end.
            </p>
          </div>
          <SecretFoot kind="address" guard={guard}>
            <strong>You have not copied the address.</strong> Once this is closed nobody can show it again;
            you would have to make another.
          </SecretFoot>
        </>
      ) : (
        <>
          <p>
            {replacing
              ? "The present address ends at once: programs that subscribed to it see no more changes."
              : "Whoever has the address can read your calendar, until you end it, make another, or your access ends."}
          </p>
          {problem !== null && (
            <p role="alert" className={classes.problem}>
              {problemWords(problem)}
            </p>
          )}
          <div className={classes.foot}>
            <Button variant="default" onClick={guard.close} disabled={pending}>
              Cancel
            </Button>
            <Button loading={pending} onClick={() => void submit()} data-autofocus>
              Make the address
            </Button>
          </div>
        </>
      )}
    </FormDialog>
  );
}
