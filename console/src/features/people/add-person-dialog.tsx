import type { NewPerson } from "@fusion/contract/login.ts";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, type ReactElement, useState } from "react";
import { ApiProblem } from "../../lib/api.ts";
import { roleWords } from "../../lib/role-words.ts";
import { isOperator, useSession } from "../../lib/session.ts";
import { FormDialog } from "../../ui/form-dialog.tsx";
import { FormProblem, useFocusAfterRefusal } from "../../ui/form-problem.tsx";
import { ProvenForm, useProof } from "../../ui/proven-form.tsx";
import { useToast } from "../../ui/toasts.tsx";
import { useReturnFocus } from "../../ui/use-return-focus.ts";
import { type FieldFault, faultsOf } from "./new-person-faults.ts";
import classes from "./people.module.css";
import { useAddPerson } from "./people-queries.ts";

/**
 * Adds a person to one's own fintech, or to the Fusion team; a member's applications are asked for next. Presence is proven on the way
 * where that is asked.
 */
export function AddPersonDialog(props: {
  /** Called with a new member's id: no application is open to them yet. */
  onAdded: (userId: string) => void;
  onClose: () => void;
}): ReactElement {
  const { onAdded, onClose } = props;
  const toast = useToast();
  const roles = isOperator(useSession())
    ? (["operator_viewer", "operator_admin"] as const)
    : (["fintech_member", "fintech_admin"] as const);
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [phone, setPhone] = useState("");
  const [role, setRole] = useState<NewPerson["role"]>(roles[0]);
  /** What is wrong before the server is asked. */
  const [faults, setFaults] = useState<readonly FieldFault[]>();
  const add = useAddPerson();
  useReturnFocus();
  const proof = useProof(add);
  const form = useFocusAfterRefusal(proof.proving ? null : (faults ?? add.error));
  const fieldErrors = faults ?? (add.error instanceof ApiProblem ? add.error.fieldErrors : []);
  const faultOf = (pointer: string) => fieldErrors.find((fault) => fault.pointer === pointer)?.detail ?? null;
  const shown = ["/name", "/email", "/phone", "/role"];
  const isShown = fieldErrors.some((fault) => shown.includes(fault.pointer));
  const person = {
    name,
    role,
    ...(email.trim() === "" ? {} : { email: email.trim() }),
    ...(phone.trim() === "" ? {} : { phone: phone.trim() }),
  };

  function send(): void {
    add.mutate(person, {
      onSuccess: ({ userId }) => {
        toast(`${name.trim()} may log in now and is told so.`);
        onClose();
        if (role === "fintech_member") onAdded(userId);
      },
      onError: proof.refused,
    });
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (add.isPending) return;
    const found = faultsOf(person);
    setFaults(found.length > 0 ? found : undefined);
    if (found.length === 0) send();
  }

  function close(): void {
    if (!add.isPending) onClose();
  }

  return (
    <FormDialog title="Add a person" onClose={close}>
      <ProvenForm
        proof={proof}
        because="This gives somebody access"
        doing="Adding the person"
        onProven={send}
      >
        <form ref={form} onSubmit={submit} className={classes.form} noValidate>
          <TextInput
            label="Name"
            autoComplete="off"
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={faultOf("/name")}
          />
          <TextInput
            label="Email"
            type="email"
            autoComplete="off"
            description="This or a phone number, or both: codes to log in go there."
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            error={faultOf("/email")}
          />
          <TextInput
            label="Phone number"
            type="tel"
            autoComplete="off"
            description="Ten digits mean +91."
            value={phone}
            onChange={(event) => setPhone(event.currentTarget.value)}
            error={faultOf("/phone")}
          />
          <NativeSelect
            label="Role"
            size="md"
            data={roles.map((each) => ({ value: each, label: roleWords[each].name }))}
            description={`${roleWords[role].may}${role.endsWith("_admin") ? " Every other admin is told." : ""}`}
            value={role}
            onChange={(event) => setRole(event.currentTarget.value as NewPerson["role"])}
            error={faultOf("/role")}
          />
          {proof.problem !== null && !isShown && <FormProblem problem={proof.problem} />}
          <div className={classes.actions}>
            <Button variant="default" onClick={close} disabled={add.isPending}>
              Cancel
            </Button>
            <Button type="submit" loading={add.isPending}>
              Add
            </Button>
          </div>
        </form>
      </ProvenForm>
    </FormDialog>
  );
}
