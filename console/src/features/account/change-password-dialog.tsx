import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactElement, useState } from "react";
import { ApiProblem, isProblem } from "../../lib/api.ts";
import { lengthFault } from "../../lib/password-length.ts";
import { useSession } from "../../lib/session.ts";
import { FormDialog } from "../../ui/form-dialog.tsx";
import { FormProblem, useFocusAfterRefusal } from "../../ui/form-problem.tsx";
import { NewPasswordField, newPasswordRules, PasswordField } from "../../ui/password-field.tsx";
import { ProvenForm, useProof } from "../../ui/proven-form.tsx";
import { useToast } from "../../ui/toasts.tsx";
import { useReturnFocus } from "../../ui/use-return-focus.ts";
import { UsernameForManagers } from "../../ui/username-for-managers.tsx";
import classes from "./account.module.css";
import { calendarQuery, useChangePassword } from "./account-queries.ts";

/** What can be seen to be wrong before the server is asked. */
interface Slips {
  readonly current: string | undefined;
  readonly wanted: string | undefined;
}

/**
 * Changes one's own password, with presence proven on the way where that is asked. Both passwords live only in the state of this component
 * and of the request, and are gone with the component.
 */
export function ChangePasswordDialog({ onClose }: { onClose: () => void }): ReactElement {
  const { user, fintech } = useSession();
  const calendar = useQuery({ ...calendarQuery, enabled: fintech !== null });
  const hasCalendar = (calendar.data?.madeAt ?? null) !== null;
  const change = useChangePassword();
  const toast = useToast();
  const [current, setCurrent] = useState("");
  const [wanted, setWanted] = useState("");
  const [slips, setSlips] = useState<Slips | null>(null);
  useReturnFocus();
  const proof = useProof(change);
  const { problem } = proof;
  const form = useFocusAfterRefusal(slips ?? problem);
  const refusal = problem instanceof ApiProblem ? problem : undefined;
  const currentFault = slips?.current ?? refusal?.fieldError("/currentPassword");
  const wantedFault = slips?.wanted ?? refusal?.fieldError("/newPassword");
  // Password managers file a password under the name typed at login, mostly the address that comes first here.
  const [identity] = user.identities;

  function send(): void {
    change.mutate(
      { currentPassword: current, newPassword: wanted },
      {
        onSuccess: () => {
          toast("Your password is changed. Other browsers are logged out.");
          onClose();
        },
        onError: proof.refused,
      },
    );
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (change.isPending) return;
    const found = {
      current: current === "" ? "Enter your current password." : undefined,
      wanted: lengthFault(wanted),
    };
    const isRight = found.current === undefined && found.wanted === undefined;
    setSlips(isRight ? null : found);
    if (isRight) send();
    else change.reset();
  }

  /** The person is correcting what was wrong, so the messages go. */
  function typing(): void {
    setSlips(null);
    if (change.isError) change.reset();
  }

  function close(): void {
    if (!change.isPending) onClose();
  }

  return (
    <FormDialog title="Change password" onClose={close}>
      <ProvenForm
        proof={proof}
        because="This changes how you log in"
        doing="Changing the password"
        onProven={send}
      >
        <form ref={form} onSubmit={submit} className={classes.stack} noValidate>
          <p>
            Your sessions in other browsers end{hasCalendar && ", and so does your calendar's address"}. We
            tell you at every address that you log in with.
          </p>
          <UsernameForManagers identifier={identity?.address ?? ""} />
          <div className={classes.field}>
            <PasswordField
              label="Current password"
              value={current}
              onChange={(typed) => {
                typing();
                setCurrent(typed);
              }}
              error={currentFault}
              autoComplete="current-password"
              autoFocus
            />
            {isProblem(problem, "password_wrong") && (
              <p className={classes.note}>
                If you no longer know it, log out and choose “Forgot password” at the login.
              </p>
            )}
          </div>
          <div className={classes.field}>
            <NewPasswordField
              value={wanted}
              onChange={(typed) => {
                typing();
                setWanted(typed);
              }}
              error={wantedFault}
            />
            <p className={classes.note}>{newPasswordRules}</p>
          </div>
          {problem !== null && currentFault === undefined && wantedFault === undefined && (
            <FormProblem problem={problem} />
          )}
          <div className={classes.foot}>
            <Button variant="default" onClick={close} disabled={change.isPending}>
              Cancel
            </Button>
            <Button type="submit" loading={change.isPending}>
              Change password
            </Button>
          </div>
        </form>
      </ProvenForm>
    </FormDialog>
  );
}
