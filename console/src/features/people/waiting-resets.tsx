import type { Person } from "@fusion/contract/login.ts";
import { Button } from "@mantine/core";
import { KeyRound } from "lucide-react";
import { type ReactNode, useState } from "react";
import { readableAddress } from "../../lib/address.ts";
import { isProblem } from "../../lib/api.ts";
import { ConfirmToaster } from "../../ui/confirm-toaster.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { SecretDialog, useReturnFocus } from "../../ui/secret-dialog.tsx";
import { StepUp } from "../../ui/step-up.tsx";
import { useToast } from "../../ui/toasts.tsx";
import classes from "./people.module.css";
import { useApproveReset } from "./people-queries.ts";

interface WaitingResetsProps {
  readonly people: readonly Person[];
  readonly ownUserId: string;
  readonly mayApprove: boolean;
}

/**
 * Forgotten passwords that wait for someone's word. Approving asks once more, and for a proof of presence: it opens an account to whoever holds
 * its one address.
 */
export function WaitingResets({ people, ownUserId, mayApprove }: WaitingResetsProps) {
  const [asked, setAsked] = useState<Person>();
  const [proving, setProving] = useState(false);
  const approve = useApproveReset();
  const toast = useToast();

  function close(): void {
    if (approve.isPending) return;
    setAsked(undefined);
    setProving(false);
    approve.reset();
  }

  function confirm(person: Person): void {
    approve.mutate(person.userId, {
      onSuccess: () => {
        toast(`${person.name} can set a new password now.`);
        setAsked(undefined);
        setProving(false);
      },
      onError: (error) => setProving(isProblem(error, "step_up_required")),
    });
  }

  if (people.length === 0) return null;
  const question = `Let ${asked?.name ?? ""} set a new password?`;
  return (
    <section className={classes.waiting} aria-labelledby="waiting">
      <h2 id="waiting">Waiting for a new password</h2>
      <ul className={classes.resets}>
        {people.map((person) => (
          <li key={person.userId}>
            <KeyRound size={18} aria-hidden />
            <span>
              <strong>{person.name}</strong> forgot the password and asked{" "}
              {person.resetRequestedAt !== null && <RelativeTime instant={person.resetRequestedAt} />}.
              {person.userId === ownUserId && " Someone else must approve your own."}
            </span>
            {mayApprove && person.userId !== ownUserId && (
              <Button size="xs" onClick={() => setAsked(person)} aria-label={`Approve for ${person.name}`}>
                Approve
              </Button>
            )}
          </li>
        ))}
      </ul>
      {asked !== undefined && (
        <GivingFocusBack>
          {proving ? (
            <SecretDialog title={question} onClose={close}>
              <StepUp
                because={`This opens the account of ${asked.name}`}
                doing={approve.isPending ? "Approving" : null}
                onDone={() => confirm(asked)}
                onBack={() => {
                  setProving(false);
                  approve.reset();
                }}
              />
            </SecretDialog>
          ) : (
            <ConfirmToaster
              opened
              title={question}
              confirmLabel="Approve"
              pending={approve.isPending}
              error={approve.error}
              onCancel={close}
              onConfirm={() => confirm(asked)}
            >
              Make sure that it was this person who asked, by a call for instance. Whoever can read{" "}
              {asked.identities.map((identity) => readableAddress(identity.address)).join(", ")} will be able
              to log in. All sessions of the account end.
            </ConfirmToaster>
          )}
        </GivingFocusBack>
      )}
    </section>
  );
}

/** From the question through the proof, to what was pressed first. */
function GivingFocusBack({ children }: { children: ReactNode }): ReactNode {
  useReturnFocus();
  return children;
}
