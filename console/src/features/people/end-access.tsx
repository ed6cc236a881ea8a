import type { Person } from "@fusion/contract/login.ts";
import type { ReactElement } from "react";
import { ProvenConfirmation } from "../../ui/proven-confirmation.tsx";
import { useToast } from "../../ui/toasts.tsx";
import { useEndAccess } from "./people-queries.ts";

/** Asks before a person's access ends, which is for good. */
export function EndAccess({ person, onClose }: { person: Person; onClose: () => void }): ReactElement {
  const toast = useToast();
  const end = useEndAccess();
  return (
    <ProvenConfirmation
      question={`End the access of ${person.name}?`}
      confirmLabel="End access"
      because={`This closes the account of ${person.name}`}
      doing="Ending the access"
      change={end}
      onConfirm={async () => {
        await end.mutateAsync(person.userId);
        toast(`${person.name} has no access any more.`);
      }}
      onClose={onClose}
    >
      Every session ends at once, and it is for good: to come back, {person.name} is added anew. Tokens that
      they generated belong to the application and go on working. {person.name} is told
      {person.role.endsWith("_admin") && ", and so is every other admin"}.
    </ProvenConfirmation>
  );
}
