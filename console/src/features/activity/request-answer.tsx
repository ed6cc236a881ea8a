import type { ExplainedCall } from "@fusion/contract/activity.ts";
import { callsKeptDays } from "@fusion/contract/activity.ts";
import { Button, CloseButton, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ExternalLink, Search } from "lucide-react";
import { type ReactElement, useState } from "react";
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

/** "Why was this refused?", by the request id of the answer. Mounted anew for each id, which stands in the address. */
export function RequestAnswer(props: { requestId: string | undefined; applicationId: string }): ReactElement {
  const { requestId, applicationId } = props;
  const [typed, setTyped] = useState(requestId ?? "");
  const navigate = useNavigate({ from: paths.activity });
  const ask = (wanted: string): void =>
    void navigate({
      search: ({ request: _request, ...rest }) => (wanted === "" ? rest : { ...rest, request: wanted }),
      resetScroll: false,
    });
  return (
    <section aria-labelledby="why-heading" className={classes.why}>
      <h2 id="why-heading">Why was this refused?</h2>
      <form
        className={classes.ask}
        onSubmit={(event) => {
          event.preventDefault();
          ask(typed.trim().slice(0, 100));
        }}
      >
        <TextInput
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
      {requestId !== undefined && (
        <Answer requestId={requestId} applicationId={applicationId} onClose={() => ask("")} />
      )}
    </section>
  );
}

function Answer(props: { requestId: string; applicationId: string; onClose: () => void }): ReactElement {
  const { data: call, error, refetch } = useQuery(explainedCallQuery(props.requestId));
  if (call) return <Told call={call} applicationId={props.applicationId} onClose={props.onClose} />;
  if (error === null) {
    return (
      <Waiting label="Looking the request up">
        <div className={classes.told} />
      </Waiting>
    );
  }
  if (!isProblem(error, "not_found")) return <ErrorState error={error} onRetry={() => void refetch()} />;
  return (
    <div className={classes.told} role="status">
      <p>No call of your applications is known by this request id.</p>
      <p className={classes.soft}>
        Check that it was copied whole. Calls are known about a second after their answer and kept for{" "}
        {callsKeptDays} days; of a busy second only some are. A call whose token nobody knows, or that came
        without one, belongs to nobody and is not kept: its answer said so with <Mono>token_unknown</Mono>,{" "}
        <Mono>token_malformed</Mono> or <Mono>token_missing</Mono>.
      </p>
    </div>
  );
}

function Told(props: { call: ExplainedCall; applicationId: string; onClose: () => void }): ReactElement {
  const { call } = props;
  const timeZone = useTimeZone();
  return (
    <article className={classes.told} data-outcome={call.outcome} aria-label={`Request ${call.requestId}`}>
      <header className={classes.toldHead}>
        <AnswerBadge call={call} />
        <Mono>{call.route}</Mono>
        <CloseButton aria-label="Close the explanation" onClick={props.onClose} />
      </header>
      <div className={classes.sentences} role="status">
        {call.why.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      </div>
      {call.next.length > 0 && (
        <div className={classes.sentences}>
          <h3>What to do next</h3>
          {call.next.map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
        </div>
      )}
      <p className={classes.facts}>
        {formatDay(localDay(call.at, timeZone))}, {formatExactTime(call.at, timeZone)}, after{" "}
        {durationWords(call.durationMs)}, to <Mono>{call.ip}</Mono>
        {call.userAgent !== "" && ` (${call.userAgent})`}, with the token{" "}
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
    </article>
  );
}
