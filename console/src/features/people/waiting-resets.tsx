import type { Person } from "@fusion/contract/login.ts";
import { Button } from "@mantine/core";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { readableAddress } from "../../lib/address.ts";
import { ProvenConfirmation } from "../../ui/proven-confirmation.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { useToast } from "../../ui/toasts.tsx";
import classes from "./people.module.css";
import { useApproveReset } from "./people-queries.ts";

interface WaitingResetsProps {
  readonly people: readonly Person[];
  readonly ownUserId: string;
  readonly mayApprove: boolean;
}

/**
 * Forgotten passwords that wait for somebody's approval. Approving asks once more, and for a proof of presence, since it opens an account
 * to whoever holds its one address.
 */
export function WaitingResets({ people, ownUserId, mayApprove }: WaitingResetsProps) {
  const [asked, setAsked] = useState<Person>();
  const approve = useApproveReset();
  const toast = useToast();

  if (people.length === 0) return null;
  return (
    <section className={classes.waiting} aria-labelledby="waiting">
      <h2 id="waiting">Waiting for a new password</h2>
      <ul className={classes.resets}>
        {people.map((person) => (
          <li key={person.userId}>
            <KeyRound size={18} aria-hidden />
            <span>
              <strong>{person.name}</strong>{" "}
              {person.resetReason === "too_many_failures"
                ? "was locked out by too many wrong tries and needs a new password, asked"
                : "forgot the password and asked"}{" "}
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
        <ProvenConfirmation
          question={`Let ${asked.name} set a new password?`}
          confirmLabel="Approve"
          because={`This opens the account of ${asked.name}`}
          doing="Approving"
          change={approve}
          onConfirm={async () => {
            await approve.mutateAsync(asked.userId);
            toast(`${asked.name} can set a new password now.`);
          }}
          onClose={() => setAsked(undefined)}
        >
          Make sure that it was this person who asked, by a call for instance. Whoever can read{" "}
          {asked.identities.map((identity) => readableAddress(identity.address)).join(", ")} will be able to
          log in. When the new password is set, all sessions of the account end; until then they go on.
        </ProvenConfirmation>
      )}
    </section>
  );
}
