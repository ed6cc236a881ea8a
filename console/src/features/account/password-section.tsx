import { Button } from "@mantine/core";
import { type ReactElement, useState } from "react";
import classes from "./account.module.css";
import { ChangePasswordDialog } from "./change-password-dialog.tsx";

/** Where one's own password is changed. */
export function PasswordSection(): ReactElement {
  const [changing, setChanging] = useState(false);
  return (
    <section className={classes.section} aria-labelledby="password">
      <div className={classes.head}>
        <h2 id="password">Password</h2>
        <Button variant="default" size="xs" onClick={() => setChanging(true)}>
          Change password
        </Button>
      </div>
      <p>You are asked for it at every login, after the code. Nobody else can see or set it.</p>
      {changing && <ChangePasswordDialog onClose={() => setChanging(false)} />}
    </section>
  );
}
