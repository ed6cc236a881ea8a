import { previewDaysMax, type ReminderDay } from "@fusion/contract/reminders.ts";
import { TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactElement, useState } from "react";
import { Temporal } from "temporal-polyfill";
import { readableAddress } from "../../lib/address.ts";
import { isProblem, problemWords } from "../../lib/api.ts";
import { paths } from "../../lib/paths.ts";
import { isOperator, useSession } from "../../lib/session.ts";
import { formatDay, formatMinute, formatTimeOfDay } from "../../lib/time.ts";
import { TimeZoneContext } from "../../lib/time-zone.tsx";
import { LinkButton } from "../../ui/link-button.tsx";
import { Mono } from "../../ui/mono.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { EmptyState, ErrorState, RowsSkeleton, StaleSign } from "../../ui/states.tsx";
import { reminderDayQuery } from "./reminder-queries.ts";
import classes from "./reminders.module.css";
import { UnheardSection } from "./unheard-section.tsx";

/** What goes out to whom on a day, as the recipients would read it, and the tokens whose end nobody would hear about. */
export function RemindersPage(): ReactElement {
  const session = useSession();
  const { fintech } = useSearch({ from: `/frame${paths.reminders}` });
  return (
    <>
      <PageHeader
        title="Reminders"
        above={<Link to={paths.tokenManagement}>Token Management</Link>}
        lead={
          session.user.role === "fintech_member"
            ? "What would be sent to whom, by what is known now, about the applications that you have access to."
            : "What would be sent to whom, by what is known now of tokens, subscriptions and people."
        }
      />
      {isOperator(session) && fintech === undefined ? (
        <EmptyState title="Choose a fintech" action={<LinkButton to={paths.fintechs}>Fintechs</LinkButton>}>
          Reminders go out at each fintech's own time. Its row in the list of fintechs leads to them.
        </EmptyState>
      ) : (
        <>
          <Day key={fintech} fintech={fintech} />
          <UnheardSection fintech={fintech} />
        </>
      )}
    </>
  );
}

function Day({ fintech }: { fintech: string | undefined }): ReactElement {
  const session = useSession();
  const { date } = useSearch({ from: `/frame${paths.reminders}` });
  const asked = useQuery(reminderDayQuery(date, fintech));
  const { data, error } = asked;
  const refused = isProblem(error, "invalid_input");
  return (
    <section aria-labelledby="day-heading" className={classes.section}>
      <h2 id="day-heading">What would be sent</h2>
      {!isOperator(session) && (
        <p className={classes.soft}>
          Your calendar program can show when your tokens end, too:{" "}
          <Link to={paths.account} hash="calendar">
            make its address
          </Link>{" "}
          on your account page.
        </p>
      )}
      <DateField
        date={date ?? data?.date ?? ""}
        today={data?.today}
        error={refused ? problemWords(error) : undefined}
      />
      {data && !refused && <StaleSign of={asked} />}
      {asked.isPending ? (
        <RowsSkeleton label="Reckoning what would be sent" />
      ) : asked.isError && !refused ? (
        <ErrorState error={error} onRetry={() => void asked.refetch()} />
      ) : (
        data &&
        !refused && (
          <TimeZoneContext.Provider value={data.timeZone}>
            {data.goesOutAt !== null && <ReminderTime at={data.goesOutAt} timeZone={data.timeZone} />}
            <Messages day={data} />
          </TimeZoneContext.Provider>
        )
      )}
    </section>
  );
}

/** When reminders go out, and who can change that. */
function ReminderTime({ at, timeZone }: { at: string; timeZone: string }): ReactElement {
  return (
    <p className={classes.soft}>
      Reminders go out at {formatTimeOfDay(at, timeZone)}, {timeZone} time.{" "}
      {isOperator(useSession()) ? (
        <>
          The Fusion team changes that at the server, by <Mono>fusion fintech set</Mono>.
        </>
      ) : (
        "To have that changed, ask the Fusion team."
      )}
    </p>
  );
}

/** The day is kept in the address, so that "back" and links work. A half-entered date is not requested. */
function DateField(props: {
  date: string;
  today: string | undefined;
  error: string | undefined;
}): ReactElement {
  const { date, today } = props;
  // What the field holds while `beside` is the day that is shown. It no longer counts once a link leads to another day.
  const [entered, setEntered] = useState({ beside: date, value: date });
  const navigate = useNavigate({ from: paths.reminders });
  return (
    <TextInput
      type="date"
      label="Date"
      className={classes.date}
      value={entered.beside === date ? entered.value : date}
      error={props.error}
      {...(today !== undefined && {
        min: today,
        max: Temporal.PlainDate.from(today).add({ days: previewDaysMax }).toString(),
      })}
      onChange={({ currentTarget: { value } }) => {
        const isDay = /^20\d\d-/.test(value);
        setEntered({ beside: isDay ? value : date, value });
        if (isDay)
          void navigate({
            search: (search) => ({ ...search, date: value }),
            replace: true,
            resetScroll: false,
          });
      }}
    />
  );
}

function Messages({ day }: { day: ReminderDay }): ReactElement {
  const { messages, nextDate } = day;
  const next = nextDate !== null && (
    <Link to={paths.reminders} search={(search) => ({ ...search, date: nextDate })} resetScroll={false}>
      {formatDay(nextDate)}
    </Link>
  );
  if (messages.length === 0)
    return (
      <p role="status">
        Nothing goes out on {formatDay(day.date)}.{" "}
        {next ? <>The next day on which something does is {next}.</> : "Nothing goes out after it either."}
      </p>
    );
  return (
    <>
      <p role="status">
        {messages.length === 1 ? "One message goes" : `${messages.length} messages go`} out on{" "}
        {formatDay(day.date)}
        {day.goesOutAt !== null && <> at {formatMinute(day.goesOutAt, day.timeZone)}</>}.
        {next && <> After that: {next}.</>}
      </p>
      <ul className={classes.messages} aria-label="Messages">
        {messages.map((message) => (
          <li key={`${message.recipient} ${message.channel} ${message.to} ${message.subject}`}>
            <p className={classes.soft}>
              {message.channel === "sms" ? "SMS" : "Email"} to {message.you ? "you" : message.recipient},{" "}
              {readableAddress(message.to)}
            </p>
            {message.channel === "email" && <h3>{message.subject}</h3>}
            <p className={classes.text}>{message.text}</p>
          </li>
        ))}
      </ul>
    </>
  );
}
