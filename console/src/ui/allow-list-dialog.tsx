import { IpAllowListEffect, SetIpAllowList } from "@fusion/contract/ip-allow-list.ts";
import { Button } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactElement, useState } from "react";
import { ApiProblem, post, put } from "../lib/api.ts";
import { askAgain } from "../lib/ask-again.ts";
import { untilAnswered } from "../lib/retrying.ts";
import classes from "./allow-list-dialog.module.css";
import { FormDialog } from "./form-dialog.tsx";
import { FormProblem, useFocusAfterRefusal } from "./form-problem.tsx";
import { IpListField, rangesOf } from "./ip-list-field.tsx";
import { Mono } from "./mono.tsx";
import { ProvenForm, useProof } from "./proven-form.tsx";
import { RelativeTime } from "./relative-time.tsx";
import { useToast } from "./toasts.tsx";
import { useReturnFocus } from "./use-return-focus.ts";

interface AllowListDialogProps {
  title: string;
  /** What the list is about, above the field. */
  description: string;
  /** A path of the console API: an application's or a token's `…/ip-allow-list`. */
  address: string;
  present: readonly string[];
  /** What an empty list means: from where calls may come, unless another list restricts it. */
  emptied: string;
  onClose: () => void;
}

/**
 * Changes an IP allow-list. While somebody types, the server says whom the list would shut out; presence is proven on the way where that is
 * asked. The saved list is in force when the dialog closes.
 */
export function AllowListDialog(props: AllowListDialogProps): ReactElement {
  const { address, onClose } = props;
  const client = useQueryClient();
  const toast = useToast();
  const [text, setText] = useState(props.present.join("\n"));
  useReturnFocus();

  const ranges = rangesOf(text);
  const typed = ranges.join(" ");
  const [settled] = useDebouncedValue(typed, 300);
  const changed = typed !== props.present.join(" ");
  const preview = useQuery({
    queryKey: ["allow-list-effect", address, settled],
    queryFn: ({ signal }) =>
      post(`${address}/preview`, { ipAllowList: rangesOf(settled) }, IpAllowListEffect, { signal }),
    enabled: settled !== props.present.join(" "),
    placeholderData: keepPreviousData,
    ...untilAnswered,
  });
  const save = useMutation({
    mutationFn: () => put(address, { ipAllowList: ranges }, SetIpAllowList),
    onSuccess: () => {
      void askAgain(client);
      toast(ranges.length === 0 ? props.emptied : "The list is in force. Calls from elsewhere are refused.");
      onClose();
    },
  });
  const proof = useProof(save);
  const known = preview.isSuccess && !preview.isPlaceholderData;
  const trouble = changed && !known ? preview.failureReason : null;
  const effect = changed && trouble === null ? preview.data : undefined;
  // Saving waits until it is known whom the list shuts out.
  const ready = changed && settled === typed && known;
  const shutsOut = effect !== undefined && effect.excludedCallers.length + effect.unusableTokens.length > 0;
  const problem = trouble ?? proof.problem;
  // Errors found while typing leave the focus where it is.
  const form = useFocusAfterRefusal(proof.problem);
  const refusal = problem instanceof ApiProblem ? problem : undefined;

  function send(): void {
    save.mutate(undefined, { onError: proof.refused });
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (ready && !save.isPending) send();
  }

  function close(): void {
    if (!save.isPending) onClose();
  }

  return (
    <FormDialog title={props.title} onClose={close}>
      <ProvenForm proof={proof} because="This is a live application" doing="Setting the list" onProven={send}>
        <form ref={form} onSubmit={submit} className={classes.stack} noValidate>
          <IpListField
            text={text}
            onChange={(typed) => {
              setText(typed);
              save.reset();
            }}
            description={props.description}
            problem={refusal}
            autoFocus
          />
          <div role="status">{shutsOut && <Effect effect={effect} />}</div>
          {problem !== null && (refusal?.fieldErrors.length ?? 0) === 0 && <FormProblem problem={problem} />}
          <div className={classes.actions}>
            <Button variant="default" onClick={close} disabled={save.isPending}>
              Cancel
            </Button>
            <Button
              type="submit"
              {...(shutsOut ? { color: "urgent" } : {})}
              loading={save.isPending}
              disabled={!ready}
            >
              {shutsOut ? "Save and refuse them" : "Save"}
            </Button>
          </div>
        </form>
      </ProvenForm>
    </FormDialog>
  );
}

function Effect({
  effect: { excludedCallers, unusableTokens },
}: {
  effect: IpAllowListEffect;
}): ReactElement {
  return (
    <div className={classes.effect}>
      {unusableTokens.length > 0 && (
        <>
          <p>
            <strong>
              No address could use {unusableTokens.length === 1 ? "this token" : "these tokens"}:
            </strong>{" "}
            the application's list and the token's have none in common.
          </p>
          <ul>
            {unusableTokens.map(({ tokenId, name }) => (
              <li key={tokenId}>
                {name} <Mono>{tokenId}</Mono>
              </li>
            ))}
          </ul>
        </>
      )}
      {excludedCallers.length > 0 && (
        <>
          <p>
            <strong>Would be refused</strong>, though it called in the last 24 hours:
          </p>
          <ul>
            {excludedCallers.map(({ ip, lastAt }) => (
              <li key={ip}>
                <Mono>{ip}</Mono>, <RelativeTime instant={lastAt} />
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
