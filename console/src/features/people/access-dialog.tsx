import type { ApplicationSummary } from "@fusion/contract/applications.ts";
import type { Person } from "@fusion/contract/login.ts";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactElement, useState } from "react";
import { applicationListQuery } from "../../lib/application-query.ts";
import { inOrder, matching, searchedFrom } from "../../lib/search.ts";
import { EnvironmentBadge } from "../../ui/environment-badge.tsx";
import { FormDialog } from "../../ui/form-dialog.tsx";
import { FormProblem, useFocusAfterRefusal } from "../../ui/form-problem.tsx";
import { ProvenForm, useProof } from "../../ui/proven-form.tsx";
import { ErrorState, RowsSkeleton } from "../../ui/states.tsx";
import { useToast } from "../../ui/toasts.tsx";
import { useReturnFocus } from "../../ui/use-return-focus.ts";
import classes from "./people.module.css";
import { type AccessLevel, useSetAccess } from "./people-queries.ts";

const levels = [
  { value: "", label: "No access" },
  { value: "view", label: "May view" },
  { value: "manage", label: "May manage" },
];

/** Which applications a member may look at or manage. Presence is proven on the way where that is asked. */
export function AccessDialog({ person, onClose }: { person: Person; onClose: () => void }): ReactElement {
  const toast = useToast();
  const list = useQuery(applicationListQuery);
  const [chosen, setChosen] = useState<ReadonlyMap<string, AccessLevel | null>>(new Map());
  const [find, setFind] = useState("");
  const set = useSetAccess();
  const proof = useProof(set);
  const form = useFocusAfterRefusal(proof.problem);
  useReturnFocus();
  const own = inOrder(list.data?.applications ?? []).filter(({ clientId }) => clientId === person.clientId);
  const present = new Map(person.access.map(({ applicationId, level }) => [applicationId, level]));
  const levelOf = (id: string): AccessLevel | null =>
    (chosen.has(id) ? chosen.get(id) : present.get(id)) ?? null;
  // Changes made before a refusal are not sent again.
  const changes = own
    .map(({ applicationId }) => ({ applicationId, level: levelOf(applicationId) }))
    .filter(({ applicationId, level }) => level !== (present.get(applicationId) ?? null));

  function send(): void {
    set.mutate(
      { userId: person.userId, changes },
      {
        onSuccess: () => {
          toast(`The access of ${person.name} is changed.`);
          onClose();
        },
        onError: proof.refused,
      },
    );
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (set.isPending) return;
    if (changes.length === 0) onClose();
    else send();
  }

  function close(): void {
    if (!set.isPending) onClose();
  }

  return (
    <FormDialog title={`Access of ${person.name}`} onClose={close}>
      <ProvenForm
        proof={proof}
        because="This gives somebody access"
        doing="Changing the access"
        onProven={send}
      >
        <form ref={form} onSubmit={submit} className={classes.form}>
          <p className={classes.soft}>
            Who may view an application sees its tokens and their use. Who may manage it generates, renews and
            revokes them, too.
          </p>
          {list.isPending ? (
            <RowsSkeleton rows={3} label="Loading the applications" />
          ) : list.data === undefined ? (
            <ErrorState error={list.error} onRetry={() => void list.refetch()} />
          ) : (
            <>
              {own.length >= searchedFrom && (
                <TextInput
                  type="search"
                  label="Find an application"
                  description="By its name, description or id."
                  autoComplete="off"
                  spellCheck={false}
                  value={find}
                  onChange={(event) => setFind(event.currentTarget.value)}
                  onKeyDown={(event) => {
                    if (event.key === "Escape") setFind("");
                    // It narrows the list and is no part of what is sent.
                    if (event.key === "Enter") event.preventDefault();
                  }}
                  // Escape empties the search first; only then does it close the dialog, and drop what was chosen.
                  data-mantine-stop-propagation={find !== ""}
                />
              )}
              <Levels
                applications={matching(own, find)}
                levelOf={levelOf}
                onChoose={(id, level) => setChosen(new Map(chosen).set(id, level))}
              />
              <p role="status" className={classes.soft}>
                {own.length === 0
                  ? "There is no application yet. The Fusion team makes them."
                  : matching(own, find).length === 0
                    ? "No application is called that."
                    : ""}
              </p>
            </>
          )}
          {proof.problem !== null && <FormProblem problem={proof.problem} />}
          <div className={classes.actions}>
            <Button variant="default" onClick={close} disabled={set.isPending}>
              Cancel
            </Button>
            <Button type="submit" loading={set.isPending}>
              Change access
            </Button>
          </div>
        </form>
      </ProvenForm>
    </FormDialog>
  );
}

function Levels(props: {
  applications: readonly ApplicationSummary[];
  levelOf: (applicationId: string) => AccessLevel | null;
  onChoose: (applicationId: string, level: AccessLevel | null) => void;
}): ReactElement {
  return (
    <ul className={classes.levels}>
      {props.applications.map(({ applicationId, name, environment }) => (
        <li key={applicationId}>
          <span className={classes.application}>
            {name} <EnvironmentBadge environment={environment} />
          </span>
          <NativeSelect
            aria-label={`${name}, ${environment}`}
            data={levels}
            value={props.levelOf(applicationId) ?? ""}
            onChange={({ currentTarget: { value } }) =>
              props.onChoose(applicationId, value === "" ? null : (value as AccessLevel))
            }
          />
        </li>
      ))}
    </ul>
  );
}
