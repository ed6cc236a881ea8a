import type { ExplainedCall } from "@fusion/contract/activity.ts";
import { callsKeptDays } from "@fusion/contract/activity.ts";
import { Button, CloseButton, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ExternalLink, Search } from "lucide-react";
import { type ReactElement, type RefObject, useEffect, useRef, useState } from "react";
import { isProblem } from "../../lib/api.ts";
import { paths } from "../../lib/paths.ts";
import { formatDay, formatExactTime, localDay } from "../../lib/time.ts";
import { useTimeZone } from "../../lib/time-zone.tsx";
import { Mono } from "../../ui/mono.tsx";
import { ErrorState, Waiting } from "../../ui/states.tsx";
import classes from "./activity.module.css";
import { explainedCallQuery } from "./activity-queries.ts";
import { AnswerBadge } from "./answer-badge.tsx";
import { durationWords } from "./call-table.tsx";

/** Scrolls to the answer's place and gives it the focus. */
export function leadTo(answer: HTMLElement | null): void {
  answer?.focus({ preventScroll: true });
  answer?.closest("section")?.scrollIntoView();
}

/**
 * "Why was this refused?", asked by the request id of an answer, which is kept in the address. `answer` is the element that shows the
 * explanation.
 */
export function RequestAnswer(props: {
  requestId: string | undefined;
  applicationId: string;
  answer: RefObject<HTMLDivElement | null>;
}): ReactElement {
  const { requestId, applicationId, answer } = props;
  const navigate = useNavigate({ from: paths.activity });
  const field = useRef<HTMLInputElement>(null);
  const shown = useRef(requestId);
  useEffect(() => {
    if (shown.current === requestId) return;
    shown.current = requestId;
    // The control that was pressed is gone.
    if (requestId === undefined) field.current?.focus();
    else leadTo(answer.current);
  }, [requestId, answer]);
  const client = useQueryClient();
  const ask = (wanted: string): void => {
    // The same id once more: the call may be known by now, but the address does not change.
    if (wanted !== "" && wanted === requestId)
      void client.resetQueries({ queryKey: explainedCallQuery(wanted).queryKey });
    void navigate({
      search: ({ request: _request, ...rest }) => (wanted === "" ? rest : { ...rest, request: wanted }),
      resetScroll: false,
    });
  };
  return (
    <section aria-labelledby="why-heading" className={classes.why}>
      <h2 id="why-heading">Why was this refused?</h2>
      <AskForm key={requestId ?? ""} ref={field} asked={requestId ?? ""} onAsk={ask} />
      <Answer ref={answer} requestId={requestId} applicationId={applicationId} onClose={() => ask("")} />
    </section>
  );
}

function AskForm(props: {
  ref: RefObject<HTMLInputElement | null>;
  asked: string;
  onAsk: (wanted: string) => void;
}): ReactElement {
  const [typed, setTyped] = useState(props.asked);
  return (
    <form
      className={classes.ask}
      onSubmit={(event) => {
        event.preventDefault();
        props.onAsk(typed.trim().slice(0, 100));
      }}
    >
      <TextInput
        ref={props.ref}
        label="Request id"
        description="In every answer: traceID, and the header X-Request-Id"
        placeholder="req_…"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
        className={classes.askField ?? ""}
      />
      <Button type="submit" size="md" variant="default" leftSection={<Search size={16} aria-hidden />}>
        Explain
      </Button>
    </form>
  );
}

/** The answer's place. It is rendered before there is an answer, so that screen readers announce the answer when it comes. */
function Answer(props: {
  ref: RefObject<HTMLDivElement | null>;
  requestId: string | undefined;
  applicationId: string;
  onClose: () => void;
}): ReactElement {
  const { requestId, applicationId, onClose } = props;
  const isAsked = requestId !== undefined;
  const {
    data: call,
    error,
    refetch,
  } = useQuery({ ...explainedCallQuery(requestId ?? ""), enabled: isAsked });
  const isUnknown = isProblem(error, "not_found");
  return (
    <div
      ref={props.ref}
      tabIndex={-1}
      {...(isAsked && { className: classes.told, role: "group", "aria-label": `Request ${requestId}` })}
      data-outcome={call?.outcome}
    >
      <div role="status" className={classes.sentences}>
        {call && <Verdict call={call} onClose={onClose} />}
        {isUnknown && (
          <>
            <p>No call of your applications is known by this request id.</p>
            <p className={classes.soft}>
              Check that it was copied whole. Calls are known about a second after their answer and kept for{" "}
              {callsKeptDays} days; of a busy second only some are. A call whose token nobody knows, or that
              came without one, belongs to nobody and is not kept: its answer said so with{" "}
              <Mono>token_unknown</Mono>, <Mono>token_malformed</Mono> or <Mono>token_missing</Mono>.
            </p>
          </>
        )}
      </div>
      {call && <Particulars call={call} applicationId={applicationId} />}
      {error !== null && !isUnknown && <ErrorState error={error} onRetry={() => void refetch()} />}
      {isAsked && !call && error === null && <Waiting label="Looking the request up">{null}</Waiting>}
    </div>
  );
}

/** How it was answered, and why. */
function Verdict({ call, onClose }: { call: ExplainedCall; onClose: () => void }): ReactElement {
  return (
    <>
      <div className={classes.toldHead}>
        <AnswerBadge call={call} />
        <Mono>{call.route}</Mono>
        <CloseButton aria-label="Close the explanation" onClick={onClose} />
      </div>
      {call.why.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
    </>
  );
}

/** What to do next, and the facts of the call. */
function Particulars(props: { call: ExplainedCall; applicationId: string }): ReactElement {
  const { call } = props;
  const timeZone = useTimeZone();
  return (
    <>
      {call.next.length > 0 && (
        <div className={classes.sentences}>
          <h3>What to do next</h3>
          {call.next.map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
        </div>
      )}
      <p className={classes.facts}>
        {formatDay(localDay(call.at, timeZone))}, {formatExactTime(call.at, timeZone)}: called from{" "}
        <Mono>{call.ip}</Mono>
        {call.userAgent !== "" && ` (${call.userAgent})`}, answered after {durationWords(call.durationMs)},
        with the token{" "}
        <Link to={paths.token} params={{ applicationId: call.applicationId, tokenId: call.tokenId }}>
          {call.tokenName}
        </Link>
        {call.applicationId !== props.applicationId && (
          <>
            {" "}
            of another application,{" "}
            <Link to={paths.application} params={{ applicationId: call.applicationId }}>
              {call.applicationName}
            </Link>{" "}
            ({call.environment})
          </>
        )}
        .
      </p>
      {call.page !== null && (
        <p className={classes.facts}>
          <a href={call.page} target="_blank" rel="noreferrer">
            All about <Mono>{call.code}</Mono> <ExternalLink size={12} aria-label="(opens in a new tab)" />
          </a>
        </p>
      )}
    </>
  );
}
