import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import { nameLengthMax } from "@fusion/contract/primitives.ts";
import { type Scope, scopeSentences } from "@fusion/contract/scopes.ts";
import type { Expiry, GenerateToken, TokenSummary } from "@fusion/contract/tokens.ts";
import { Button, Checkbox, Radio, Switch, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactElement, useEffect, useState } from "react";
import { readableAddress } from "../../lib/address.ts";
import { ApiProblem, isProblem, problemWords } from "../../lib/api.ts";
import { mayPass, untilAnswered } from "../../lib/retrying.ts";
import { endWords, formatInstant, formatMonth } from "../../lib/time.ts";
import { useNow } from "../../lib/use-now.ts";
import { EnvironmentBadge } from "../../ui/environment-badge.tsx";
import { FormProblem, useFocusAfterRefusal } from "../../ui/form-problem.tsx";
import { IpListField, rangesOf } from "../../ui/ip-list-field.tsx";
import { LargeLifeline } from "../../ui/lifeline.tsx";
import { Mono } from "../../ui/mono.tsx";
import { type DurationChoice, DurationField, endsTooSoon, expiryOf } from "./duration-field.tsx";
import { GenerateFoot } from "./generate-foot.tsx";
import { type OverlapChoice, OverlapField } from "./overlap-field.tsx";
import { plannedReminders } from "./planned-reminders.ts";
import { RecentUse } from "./recent-use.tsx";
import { type Renewable, renewable } from "./renewable.ts";
import { summarySentence } from "./summary-sentence.ts";
import { tokenListQuery, tokenPreviewQuery } from "./token-queries.ts";
import classes from "./tokens.module.css";

interface GenerateFormProps {
  application: ApplicationDetails;
  renews: Renewable | undefined;
  pending: boolean;
  problem: unknown;
  onSubmit: (input: GenerateToken) => void;
  onCancel: () => void;
}

/** The choices for a new token. Those not made by hand follow the token that it renews. */
export function GenerateForm(props: GenerateFormProps): ReactElement {
  const { application, pending, problem, onSubmit, onCancel } = props;
  const { timeZone, reminderTime } = application;
  const now = useNow(30_000);
  // Queried only when the dialog opens: after that, only the person changes which token is renewed, and the server says so if it can no
  // longer be. Opened by "Renew", the dialog already knows the token, so it queries nothing and offers no choice.
  const [asked] = useState(props.renews);
  const ending = useInfiniteQuery({
    ...tokenListQuery(application.applicationId, "expiring"),
    ...untilAnswered,
    enabled: asked === undefined,
    staleTime: 0,
    refetchInterval: false,
  });
  const all = useInfiniteQuery(tokenListQuery(application.applicationId, "all"));
  const taken = new Set(tokensOf(all.data).map((token) => token.name));
  const [found, setFound] = useState<readonly Renewable[] | undefined>(asked && [asked]);
  if (found === undefined && ending.isSuccess && ending.isFetchedAfterMount)
    setFound(renewable(tokensOf(ending.data)));
  const candidates = found ?? [];

  const [name, setName] = useState<string>();
  const [scopes, setScopes] = useState<Scope[]>();
  const [renewal, setRenewal] = useState<string>();
  const [overlap, setOverlap] = useState<OverlapChoice>({ overlap: "until_expiry", overlapFrom: "now" });
  const [duration, setDuration] = useState<DurationChoice>({
    preset: presetDefault(application.lifetimeDaysMax),
    date: "",
  });
  const [reminders, setReminders] = useState(true);
  const [allowed, setAllowed] = useState<string>();

  const renewed =
    renewal === undefined ? candidates[0] : candidates.find(({ tokenId }) => tokenId === renewal);
  const chosen = {
    name: name ?? renewed?.name ?? nameDefault(application, { now, taken }),
    scopes: scopes ?? scopesDefault(application, renewed),
    allowed: allowed ?? renewed?.ipAllowList.join("\n") ?? "",
  };
  const overlapping = renewed !== undefined && !hasEnded(renewed, now);
  const active = all.data?.pages[0]?.counts.active ?? 0;
  const limited = isProblem(problem, "token_limit_reached");
  // A renewal may exceed the limit by one. After an answer that was lost, the last token may be the one asked for: the server knows.
  const full = (problem === null || limited) && active >= application.tokensMax + (overlapping ? 1 : 0);
  const tooSoon = endsTooSoon(duration, { timeZone, now });
  const expiry: Expiry | undefined = tooSoon ? undefined : expiryOf(duration);
  const preview = useQuery(tokenPreviewQuery(application.applicationId, expiry));
  const known = preview.isSuccess && !preview.isPlaceholderData;
  const trouble = expiry === undefined || known ? null : preview.failureReason;
  const dayRefused = trouble instanceof ApiProblem && trouble.status === 400;
  const listTrouble = found === undefined ? ending.failureReason : null;
  const inTheWay = (dayRefused ? null : trouble) ?? listTrouble ?? problem;
  const shown = expiry !== undefined && trouble === null ? preview.data : undefined;
  const firstReminderAt = shown?.reminders.firstAt ?? null;
  const summary = summarySentence({
    applicationName: application.name,
    environment: application.environment,
    scopes: chosen.scopes,
    expiresAt: shown?.expiresAt,
    timeZone,
    firstReminderAt: reminders ? firstReminderAt : undefined,
    renews: renewed ? { tokenId: renewed.tokenId, overlap: overlapping ? overlap : null } : null,
  });
  // The dialog was opened to renew this very token, so there is nothing to say of it any more, and nothing to try again.
  const hopeless = asked !== undefined && cannotRenew(problem);
  const ready =
    !hopeless && !full && summary !== undefined && known && found !== undefined && chosen.name.trim() !== "";
  const refusal = problem instanceof ApiProblem ? problem : undefined;
  const form = useFocusAfterRefusal(problem);
  const durationProblem = refusal?.fieldErrors.find(({ pointer }) => pointer.startsWith("/expiry"))?.detail;
  const nameProblem =
    refusal?.fieldError("/name") ?? (chosen.name.trim() === "" ? "Give the token a name." : undefined);

  const summaryWords =
    hopeless || limited
      ? ""
      : full && found !== undefined
        ? fullWords({ active, tokensMax: application.tokensMax, overlapping })
        : ((found && summary) ??
          missingWords({
            scopes: chosen.scopes,
            dayIsWrong: tooSoon || dayRefused,
            expiry,
            trouble,
            listTrouble,
            known,
          }));

  // What may be renewed takes its place above the field that has the focus.
  const foundAny = candidates.length > 0;
  useEffect(() => {
    const focused = document.activeElement;
    if (foundAny && form.current?.contains(focused)) focused?.scrollIntoView({ block: "nearest" });
  }, [foundAny, form]);

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (expiry === undefined || !ready) return;
    onSubmit({
      name: chosen.name.trim(),
      scopes: chosen.scopes,
      expiry,
      reminders,
      replaces: renewed?.tokenId ?? null,
      ...(overlapping && overlap),
      ipAllowList: rangesOf(chosen.allowed),
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

      {asked === undefined && candidates.length > 0 && (
        <Radio.Group
          label="Renewal"
          value={renewed?.tokenId ?? ""}
          onChange={setRenewal}
          className={classes.options}
          error={refusal?.fieldError("/replaces")}
          data-refused={refusal?.fieldError("/replaces") !== undefined}
        >
          {candidates.map((token) => (
            <Radio
              key={token.tokenId}
              value={token.tokenId}
              label={
                <>
                  Renews <Mono>{token.tokenId}</Mono>
                </>
              }
              description={`${token.name}, ${endOf(token, { now, timeZone })}.`}
            />
          ))}
          <Radio value="" label="Renews nothing" description="A further token beside the others." />
        </Radio.Group>
      )}
      {overlapping && <OverlapField choice={overlap} onChange={setOverlap} />}
      {overlapping && overlap.overlap === "none" && overlap.overlapFrom === "now" && (
        <div>
          <p className={classes.soft}>Whoever still calls with the old token is refused at once:</p>
          <RecentUse tokenId={renewed.tokenId} />
        </div>
      )}

      <TextInput
        label="Name"
        description="For people: where it is used, for example."
        value={chosen.name}
        onChange={(event) => setName(event.currentTarget.value)}
        // The dialog gives it the focus without scrolling, and in a low window a renewal's choices fill the view above it.
        onFocus={(event) => event.currentTarget.scrollIntoView({ block: "nearest" })}
        maxLength={nameLengthMax}
        error={nameProblem}
        autoComplete="off"
        data-autofocus
      />

      <ScopeField
        allowed={application.scopes}
        chosen={chosen.scopes}
        onChange={setScopes}
        error={refusal?.fieldErrors.find(({ pointer }) => pointer.startsWith("/scopes"))?.detail}
      />

      <DurationField
        choice={duration}
        onChange={setDuration}
        daysMax={application.lifetimeDaysMax}
        timeZone={timeZone}
        now={now}
        error={
          tooSoon
            ? "The last day is tomorrow at the earliest."
            : dayRefused
              ? problemWords(trouble)
              : durationProblem
        }
        refused={durationProblem !== undefined}
      />

      <div
        className={classes.preview}
        data-state={shown === undefined ? "empty" : preview.isPlaceholderData ? "old" : "shown"}
      >
        <p className={classes.expires} role="status">
          {shown &&
            `Expires ${formatInstant(shown.expiresAt, timeZone)}, in ${shown.days} ${shown.days === 1 ? "day" : "days"}`}
        </p>
        <div className={classes.drawn}>
          <LargeLifeline
            life={{
              createdAt: new Date(now).toISOString(),
              expiresAt:
                shown?.expiresAt ?? new Date(now + application.lifetimeDaysMax * 86_400_000).toISOString(),
            }}
            now={now}
            timeZone={timeZone}
            reminders={
              shown && reminders
                ? plannedReminders({ expiresAt: shown.expiresAt, timeZone, reminderTime, now })
                : []
            }
          />
        </div>
      </div>

      <Switch
        label="Expiry reminders"
        description={
          reminders ? reminderWords(shown?.reminders, timeZone) : "Nobody is reminded before it ends."
        }
        checked={reminders}
        onChange={(event) => setReminders(event.currentTarget.checked)}
      />

      <IpListField
        text={chosen.allowed}
        onChange={setAllowed}
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
          {summaryWords}
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

function ScopeField(props: {
  allowed: readonly Scope[];
  chosen: readonly Scope[];
  onChange: (scopes: Scope[]) => void;
  error: string | undefined;
}): ReactElement {
  const { allowed, chosen, onChange, error } = props;
  const everything = chosen.includes("admin");
  return (
    <Checkbox.Group
      label="Scope"
      value={[...chosen]}
      onChange={(value) => onChange(value.includes("admin") ? ["admin"] : (value as Scope[]))}
      className={classes.options}
      error={error}
      data-refused={error !== undefined}
    >
      {/* `admin` includes all the others, so there is nothing to choose among them. */}
      {allowed
        .filter((scope) => !everything || scope === "admin")
        .map((scope) => (
          <Checkbox
            key={scope}
            value={scope}
            label={<Mono>{scope}</Mono>}
            description={
              everything && allowed.length > 1
                ? `${scopeSentences[scope]}. Untick it to choose less.`
                : scopeSentences[scope]
            }
          />
        ))}
    </Checkbox.Group>
  );
}

function tokensOf(list: { pages: { tokens: TokenSummary[] }[] } | undefined): TokenSummary[] {
  return list?.pages.flatMap(({ tokens }) => tokens) ?? [];
}

function hasEnded({ expiresAt }: Renewable, now: number): boolean {
  return Date.parse(expiresAt) <= now;
}

/** "ends in 9 days" or "ended 2 days ago". */
function endOf(token: Renewable, { now, timeZone }: { now: number; timeZone: string }): string {
  return `${hasEnded(token, now) ? "ended" : "ends"} ${endWords(token.expiresAt, now, timeZone)}`;
}

function scopesDefault(application: ApplicationDetails, renewed: Renewable | undefined): Scope[] {
  const kept = (renewed?.scopes ?? []).filter((scope) => application.scopes.includes(scope));
  if (kept.length > 0) return kept;
  return application.scopes.includes("admin") ? ["admin"] : application.scopes.slice(0, 1);
}

/** Whether the server refused because the token to renew was revoked or renewed meanwhile. */
export function cannotRenew(problem: unknown): boolean {
  return isProblem(problem, "token_not_renewable") || isProblem(problem, "token_already_renewed");
}

/** Why nothing can be generated, however much is filled in. The server counts again. */
function fullWords(count: { active: number; tokensMax: number; overlapping: boolean }): string {
  const { active, tokensMax, overlapping } = count;
  return `This application has ${active} active ${active === 1 ? "token" : "tokens"} and may have ${tokensMax}. Revoke one that is not needed${overlapping ? "" : ", or renew one"}.`;
}

/** Why there is no summary yet, and with it nothing to generate: what is to be chosen, or what the server has not said. */
function missingWords(form: {
  scopes: readonly Scope[];
  dayIsWrong: boolean;
  expiry: Expiry | undefined;
  /** What keeps the server from saying when the token ends; likewise what it may renew. */
  trouble: unknown;
  listTrouble: unknown;
  /** Whether it is known when the token ends. */
  known: boolean;
}): string {
  if (form.scopes.length === 0) return "Choose at least one scope.";
  if (form.dayIsWrong) return "Choose another day.";
  if (form.expiry === undefined) return "Choose when it ends.";
  if (form.trouble !== null && !mayPass(form.trouble)) return "When it ends is not known.";
  if (form.listTrouble !== null && !mayPass(form.listTrouble)) return "What it may renew is not known.";
  return form.known ? "Finding out what it may renew …" : "Finding out when it ends …";
}

/** "Payouts, Nov 2026"; the next of the same month "Payouts, Nov 2026 (2)". */
function nameDefault(
  { name, timeZone }: ApplicationDetails,
  { now, taken }: { now: number; taken: ReadonlySet<string> },
): string {
  const first = `${name.slice(0, 60)}, ${formatMonth(new Date(now).toISOString(), timeZone)}`;
  let free = first;
  for (let number = 2; taken.has(free); number += 1) free = `${first} (${number})`;
  return free;
}

function presetDefault(daysMax: number): string {
  return daysMax >= 365 ? "365" : daysMax >= 90 ? "90" : String(Math.min(30, daysMax));
}

function reminderWords(
  reminders: { firstAt: string | null; recipients: { address: string }[] } | undefined,
  timeZone: string,
): string {
  if (reminders === undefined) return "Daily from 15 days before it ends.";
  if (reminders.firstAt === null) return "It ends too soon for one.";
  const to = reminders.recipients.map(({ address }) => readableAddress(address)).join(" and ");
  const first = `Daily, the first ${formatInstant(reminders.firstAt, timeZone)}`;
  return to === "" ? `${first}. Nobody can be reached yet.` : `${first}, to ${to}.`;
}
