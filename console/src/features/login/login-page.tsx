import { useLocation } from "@tanstack/react-router";
import { useState } from "react";
import { BrandMark } from "../../ui/brand-mark.tsx";
import { PageTitle } from "../../ui/page-header.tsx";
import { CodeStep } from "./code-step.tsx";
import { IdentifierStep } from "./identifier-step.tsx";
import classes from "./login.module.css";
import { LoginProgress } from "./login-progress.tsx";
import { type LoginStep, type LoginWalk, useLoginWalk } from "./login-walk.ts";
import { NewPasswordStep } from "./new-password-step.tsx";
import { PasswordStep } from "./password-step.tsx";

const titles: Record<LoginStep["step"] | "identifier", string> = {
  identifier: "Log in",
  code: "Enter the code",
  password: "Enter your password",
  new_password: "Set a password",
  approval: "Waiting for approval",
};

/** Identifier, one-time code, password: one page, one field at a time, along a line that shows how far it is. */
export function LoginPage() {
  const walk = useLoginWalk();
  const step = walk.current?.step ?? "identifier";
  return (
    <div className={classes.page}>
      <header className={classes.brand}>
        <BrandMark size={28} />
        <span>
          <strong>Fusion</strong> Management Console
        </span>
      </header>
      <main>
        <LoginProgress step={step} />
        <div className={classes.step}>
          <PageTitle title={titles[step]} />
          <Step walk={walk} />
        </div>
      </main>
    </div>
  );
}

function Step({ walk }: { walk: LoginWalk }) {
  const { search } = useLocation();
  const [identifier, setIdentifier] = useState("");
  const { current } = walk;
  switch (current?.step) {
    case undefined:
      return (
        <IdentifierStep
          identifier={identifier}
          onChange={setIdentifier}
          ended={search.ended === "idle"}
          walk={walk}
        />
      );
    case "code":
      return <CodeStep key={current.purpose} step={current} walk={walk} />;
    case "password":
      return <PasswordStep identifier={identifier} walk={walk} />;
    case "new_password":
      return <NewPasswordStep identifier={identifier} walk={walk} />;
    case "approval":
      return <ApprovalStep walk={walk} />;
    default:
      return current satisfies never;
  }
}

function ApprovalStep({ walk }: { walk: LoginWalk }) {
  return (
    <>
      <p className={classes.lead}>
        Only one address of yours is known to reach you, so a person must approve a new password: an admin of
        your fintech or the Fusion team. They see your request now, and we write to you when it is approved.
        Then log in again and set the new password.
      </p>
      <p className={classes.lead}>Your old password keeps working until then.</p>
      <p className={classes.foot}>
        <button type="button" className={classes.quiet} onClick={walk.restart}>
          Back to the login
        </button>
      </p>
    </>
  );
}
