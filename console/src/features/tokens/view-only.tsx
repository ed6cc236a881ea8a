import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import { Eye } from "lucide-react";
import type { ReactElement } from "react";
import { isOperator, useSession } from "../../lib/session.ts";
import classes from "./tokens.module.css";

/**
 * Why nothing can be generated, renewed or revoked here, and whom to ask. Renders nothing for people who may, nor for the Fusion team,
 * which manages no application.
 */
export function ViewOnly({
  application: { canManage, contacts },
}: {
  application: Pick<ApplicationDetails, "canManage" | "contacts">;
}): ReactElement | null {
  if (isOperator(useSession()) || canManage) return null;
  const admins = contacts.filter(({ role }) => role === "fintech_admin").map(({ name }) => name);
  return (
    <p className={classes.viewOnly}>
      <Eye size={16} aria-hidden />
      <span>
        You may view this application. To generate, renew or revoke its tokens, ask{" "}
        {admins.length === 0 ? "an admin of your fintech" : anyOf(admins)} to let you manage it.
      </span>
    </p>
  );
}

/** "Asha Rao, Vikram Shah or another admin": three names are enough. */
function anyOf(names: readonly string[]): string {
  const shown = names.slice(0, 3);
  const all = names.length > shown.length ? [...shown, "another admin"] : shown;
  return all.length === 1 ? `${all[0]}` : `${all.slice(0, -1).join(", ")} or ${all.at(-1)}`;
}
