import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import { nameLengthMax } from "@fusion/contract/primitives.ts";
import type { GenerateToken } from "@fusion/contract/tokens.ts";
import { Button, Switch, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactElement, useEffect, useState } from "react";
import { ApiProblem, isProblem, problemWords } from "../../lib/api.ts";
import { useNow } from "../../lib/use-now.ts";
import { EnvironmentBadge } from "../../ui/environment-badge.tsx";
import { FormProblem, useFocusAfterRefusal } from "../../ui/form-problem.tsx";
import { IpListField, rangesOf } from "../../ui/ip-list-field.tsx";
import { Mono } from "../../ui/mono.tsx";
import { DurationField } from "./duration-field.tsx";
import { ExpiryPreview } from "./expiry-preview.tsx";
import { GenerateFoot } from "./generate-foot.tsx";
import { fullWords, missingWords, reminderWords } from "./generate-words.ts";
import { OverlapField } from "./overlap-field.tsx";
import { RecentUse } from "./recent-use.tsx";
import { endOf, type Renewable } from "./renewable.ts";
import { RenewalField } from "./renewal-field.tsx";
import { ScopeField } from "./scope-field.tsx";
import { summarySentence } from "./summary-sentence.ts";
import { tokenListQuery, tokensOf } from "./token-queries.ts";
import classes from "./tokens.module.css";
import { useRenewable } from "./use-renewable.ts";
import { useTokenChoices } from "./use-token-choices.ts";
import { useTokenEnd } from "./use-token-end.ts";

interface GenerateFormProps {
  application: ApplicationDetails;
  renews: Renewable | undefined;
  pending: boolean;
  problem: unknown;
  onSubmit: (input: GenerateToken) => void;
  onCancel: () => void;
}

/** The choices for a new token, and what they come to, before it is generated. */
export function GenerateForm(props: GenerateFormProps): ReactElement {
  const { application, pending, problem, onSubmit, onCancel } = props;
  const { timeZone, tokensMax } = application;
  const now = useNow(30_000);
  // The dialog may lose what it was opened for while it closes.
  const [asked] = useState(props.renews);
  const { candidates, trouble: listTrouble } = useRenewable(application, asked);
  const all = useInfiniteQuery(tokenListQuery(application.applicationId, "all"));
  const taken = new Set(tokensOf(all.data).map((token) => token.name));
  const choices = useTokenChoices(application, { candidates: candidates ?? [], taken, now });
  const { renewed, overlap } = choices;
  const end = useTokenEnd(application, choices.duration, now);

  const active = all.data?.pages[0]?.counts.active ?? 0;
  const limited = isProblem(problem, "token_limit_reached");
  // A renewal may exceed the limit by one. After an answer that was lost, the last token may be the one asked for: the server knows.
  const full = (problem === null || limited) && active >= tokensMax + (overlap === null ? 0 : 1);
  // The dialog was opened to renew this very token, so there is nothing to say of it any more, and nothing to try again.
  const hopeless = asked !== undefined && cannotRenew(problem);
  const summary = summarySentence({
    applicationName: application.name,
    environment: application.environment,
    scopes: choices.scopes,
    expiresAt: end.shown?.expiresAt,
    timeZone,
    firstReminderAt: choices.reminders ? (end.shown?.reminders.firstAt ?? null) : undefined,
    renews: renewed ? { tokenId: renewed.tokenId, overlap } : null,
  });
  const ready =
    !hopeless &&
    !full &&
    summary !== undefined &&
    end.isKnown &&
    candidates !== undefined &&
    choices.name.trim() !== "";

  const refusal = problem instanceof ApiProblem ? problem : undefined;
  const inTheWay = (end.dayRefused ? null : end.trouble) ?? listTrouble ?? problem;
  const durationRefused = refusal?.fieldErrors.find(({ pointer }) => pointer.startsWith("/expiry"))?.detail;
  const form = useFocusAfterRefusal(problem);

  // What may be renewed takes its place above the field that has the focus.
  const offersRenewal = asked === undefined && candidates !== undefined && candidates.length > 0;
  useEffect(() => {
    const focused = document.activeElement;
    if (offersRenewal && form.current?.contains(focused)) focused?.scrollIntoView({ block: "nearest" });
  }, [offersRenewal, form]);

  /** Nothing where the problem beside it says all. */
  function footWords(): string {
    if (hopeless || limited) return "";
    if (candidates !== undefined) {
      if (full) return fullWords({ active, tokensMax, overlapping: overlap !== null });
      if (summary !== undefined) return summary;
    }
    return missingWords({ scopes: choices.scopes, end, listTrouble });
  }

  function durationProblem(): string | undefined {
    if (end.tooSoon) return "The last day is tomorrow at the earliest.";
    return end.dayRefused ? problemWords(end.trouble) : durationRefused;
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (end.expiry === undefined || !ready) return;
    onSubmit({
      name: choices.name.trim(),
      scopes: [...choices.scopes],
      expiry: end.expiry,
      reminders: choices.reminders,
      replaces: renewed?.tokenId ?? null,
      ...overlap,
      ipAllowList: rangesOf(choices.allowed),
    });
  }

  return (
    <form ref={form} onSubmit={submit} className={classes.form} noValidate>
      <dl className={classes.fixed}>
        <div>
          <dt>Application</dt>
          <dd>
            {application.name} <EnvironmentBadge environment={application.environment} />
          </dd>
        </div>
        <div>
          <dt>Client id</dt>
          <dd>
            <Mono>{application.clientId}</Mono>
          </dd>
        </div>
        {asked && (
          <div>
            <dt>Renews</dt>
            <dd className={classes.renewed}>
              <Mono>{asked.tokenId}</Mono>
              <span className={classes.soft}>{endOf(asked, { now, timeZone })}</span>
            </dd>
          </div>
        )}
      </dl>

      {offersRenewal && (
        <RenewalField
          candidates={candidates}
          renewed={renewed}
          onChange={choices.setRenewal}
          error={refusal?.fieldError("/replaces")}
          now={now}
          timeZone={timeZone}
        />
      )}
      {overlap !== null && <OverlapField choice={overlap} onChange={choices.setOverlap} />}
      {renewed !== undefined && overlap?.overlap === "none" && overlap.overlapFrom === "now" && (
        <div>
          <p className={classes.soft}>Whoever still calls with the old token is refused at once:</p>
          <RecentUse tokenId={renewed.tokenId} />
        </div>
      )}

      <TextInput
        label="Name"
        description="For people: where it is used, for example."
        value={choices.name}
        onChange={(event) => choices.setName(event.currentTarget.value)}
        // The dialog gives it the focus without scrolling, and in a low window a renewal's choices fill the view above it.
        onFocus={(event) => event.currentTarget.scrollIntoView({ block: "nearest" })}
        maxLength={nameLengthMax}
        error={
          refusal?.fieldError("/name") ?? (choices.name.trim() === "" ? "Give the token a name." : undefined)
        }
        autoComplete="off"
        data-autofocus
      />

      <ScopeField
        allowed={application.scopes}
        chosen={choices.scopes}
        onChange={choices.setScopes}
        error={refusal?.fieldErrors.find(({ pointer }) => pointer.startsWith("/scopes"))?.detail}
      />

      <DurationField
        choice={choices.duration}
        onChange={choices.setDuration}
        daysMax={application.lifetimeDaysMax}
        timeZone={timeZone}
        now={now}
        error={durationProblem()}
        refused={durationRefused !== undefined}
      />
      <ExpiryPreview application={application} end={end} reminders={choices.reminders} now={now} />

      <Switch
        label="Expiry reminders"
        description={
          choices.reminders
            ? reminderWords(end.shown?.reminders, timeZone)
            : "Nobody is reminded before it ends."
        }
        checked={choices.reminders}
        onChange={(event) => choices.setReminders(event.currentTarget.checked)}
      />

      <IpListField
        text={choices.allowed}
        onChange={choices.setAllowed}
        description={
          application.ipAllowList.length === 0
            ? "From where it may be used: addresses or CIDR ranges, one on a line. Empty: from anywhere."
            : "From where it may be used, inside what its application allows. Empty: from all of that."
        }
        problem={refusal}
      />

      <GenerateFoot>
        {inTheWay !== null && <FormProblem problem={inTheWay} />}
        <p className={classes.summary} aria-live="polite">
          {footWords()}
        </p>
        <div className={classes.dialogActions}>
          <Button variant="default" onClick={onCancel} disabled={pending}>
            Cancel
          </Button>
          <Button type="submit" loading={pending} disabled={!ready}>
            {asked ? "Generate replacement" : "Generate"}
          </Button>
        </div>
      </GenerateFoot>
    </form>
  );
}

/** Whether the server refused because the token to renew was revoked or renewed meanwhile. */
export function cannotRenew(problem: unknown): boolean {
  return isProblem(problem, "token_not_renewable") || isProblem(problem, "token_already_renewed");
}
