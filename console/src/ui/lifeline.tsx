import { useElementSize } from "@mantine/hooks";
import type { ReactElement } from "react";
import { formatDate, formatMinute } from "../lib/time.ts";
import classes from "./lifeline.module.css";
import {
  type Life,
  type LifelineGeometry,
  type LifelineReminder,
  lifelineGeometry,
  type Span,
} from "./lifeline-geometry.ts";
import { lifelineSentence } from "./lifeline-sentence.ts";

interface LifelineProps {
  life: Life;
  /** Milliseconds since the epoch. */
  now: number;
  timeZone: string;
  reminders?: readonly LifelineReminder[] | undefined;
  /** The token generated to renew this one: a second line beneath. */
  replacement?: Life | null | undefined;
}

const small = { width: 160, line: 6, now: 18, dot: 1.3 };
const large = { line: 12, now: 34, dot: 2.8 };

/** A token's lifetime as a line, for a table row. */
export function Lifeline({ life, now, timeZone, reminders, replacement }: LifelineProps): ReactElement {
  const parts = { life, now, reminders: reminders ?? [], replacement: replacement ?? null };
  const height = replacement ? 30 : 20;
  const inset = 2;
  const geometry = lifelineGeometry({ ...parts, width: small.width - 2 * inset });
  return (
    <svg
      className={classes.small}
      data-tone={geometry.tone}
      width={small.width}
      height={height}
      viewBox={`${-inset} -10 ${small.width} ${height}`}
      role="img"
      aria-label={lifelineSentence({ ...parts, timeZone })}
    >
      <Drawing geometry={geometry} measures={small} secondLineAt={13} />
    </svg>
  );
}

/** The same line in the full width of its place, with its dates written beside it. */
export function LargeLifeline(props: LifelineProps): ReactElement {
  const { life, now, timeZone, reminders, replacement } = props;
  const { ref, width: measured } = useElementSize<HTMLDivElement>();
  const parts = { life, now, reminders: reminders ?? [], replacement: replacement ?? null };
  // Room for half a mark at the beginning, and for the last reminder's dot at the end.
  const inset = 1;
  const width = Math.max(measured || 640, 200);
  const drawn = width - inset - 6;
  const geometry = lifelineGeometry({ ...parts, width: drawn });
  const top = 44;
  const secondLineAt = 30;
  const below = (replacement ? secondLineAt : 0) + 30;
  const height = top + below + 14;
  return (
    <div ref={ref} className={classes.large}>
      <svg
        data-tone={geometry.tone}
        width={width}
        height={height}
        viewBox={`${-inset} ${-top} ${width} ${height}`}
        role="img"
        aria-label={lifelineSentence({ ...parts, timeZone })}
      >
        <Drawing geometry={geometry} measures={large} secondLineAt={secondLineAt} />
        <Labels geometry={geometry} life={life} timeZone={timeZone} below={below} width={drawn} />
      </svg>
    </div>
  );
}

function Drawing({
  geometry,
  measures,
  secondLineAt,
}: {
  geometry: LifelineGeometry;
  measures: { line: number; now: number; dot: number };
  secondLineAt: number;
}): ReactElement {
  const { band, overlap, replacement, cut, unlived, lastUse, now } = geometry;
  const { line, dot } = measures;
  const bandHeight = line + 8;
  // A use right before the revocation would stick out from under the cut.
  const lastUseShown = lastUse !== undefined && (cut === undefined || cut - lastUse > line);
  return (
    <>
      {band && (
        <rect
          className={classes.band}
          x={band.from}
          y={-bandHeight / 2}
          width={widthOf(band)}
          height={bandHeight}
          rx={2}
        />
      )}
      {overlap && replacement && (
        <rect
          className={classes.overlap}
          x={overlap.from}
          y={0}
          width={widthOf(overlap)}
          height={secondLineAt}
        />
      )}
      {unlived && <path className={classes.unlived} d={`M ${unlived.from} 0 H ${unlived.to}`} />}
      <Bar span={geometry.line} y={0} height={line} className={classes.track} />
      <Bar span={geometry.lived} y={0} height={line} className={classes.lived} />
      {geometry.reminders.map(({ x, mark }) => (
        <circle
          key={x}
          className={classes.reminder}
          data-mark={mark}
          data-past={x <= geometry.lived.to}
          cx={x}
          cy={0}
          r={mark === "next" || mark === "missed" ? dot * 1.5 : dot}
        />
      ))}
      {lastUseShown && (
        <rect
          className={classes.lastUse}
          x={lastUse - dot / 2}
          y={line / 2 + 1}
          width={dot}
          height={line * 0.7}
        />
      )}
      {cut !== undefined && <Cut x={cut} y={0} line={line} />}
      {replacement && (
        <>
          <Bar span={replacement.line} y={secondLineAt} height={line} className={classes.track} />
          <Bar span={replacement.lived} y={secondLineAt} height={line} className={classes.livedSecond} />
          {replacement.lastUse !== undefined && (
            <rect
              className={classes.lastUse}
              x={replacement.lastUse - dot / 2}
              y={secondLineAt + line / 2 + 1}
              width={dot}
              height={line * 0.7}
            />
          )}
          {replacement.cut !== undefined && <Cut x={replacement.cut} y={secondLineAt} line={line} />}
        </>
      )}
      {now !== undefined && (
        <rect
          className={classes.now}
          x={now - 1}
          y={-measures.now / 2}
          width={2}
          height={measures.now + (replacement ? secondLineAt : 0)}
          rx={1}
        />
      )}
    </>
  );
}

function Bar(props: { span: Span; y: number; height: number; className: string | undefined }): ReactElement {
  const { span, y, height, className } = props;
  return (
    <rect
      className={className}
      x={span.from}
      y={y - height / 2}
      width={widthOf(span)}
      height={height}
      rx={1.5}
    />
  );
}

/** Where a revocation ended a line: a slanted gap, then the stroke that made it. */
function Cut({ x, y, line }: { x: number; y: number; line: number }): ReactElement {
  const reach = line * 1.1;
  const slant = line * 0.35;
  return (
    <>
      <path
        className={classes.cutGap}
        d={`M ${x - slant - 3} ${y + reach} L ${x + slant - 3} ${y - reach} H ${x + slant + 6} V ${y + reach} Z`}
      />
      <path className={classes.cut} d={`M ${x - slant} ${y + reach} L ${x + slant} ${y - reach}`} />
    </>
  );
}

function widthOf({ from, to }: Span): number {
  return Math.max(to - from, 1);
}

function Labels(props: {
  geometry: LifelineGeometry;
  life: Life;
  timeZone: string;
  below: number;
  width: number;
}): ReactElement {
  const { geometry, life, timeZone, below, width } = props;
  const { now, lastUse, line } = geometry;
  // Above the line: now, and the last use where there is room for both.
  const room = lastUse !== undefined && (now === undefined || Math.abs(now - lastUse) > 84);
  const startLabel = `Generated ${formatDate(life.createdAt, timeZone)}`;
  const endLabel = life.revokedAt
    ? `Revoked ${dateAndTime(life.revokedAt, timeZone)}`
    : life.plannedRevocation?.at
      ? `Ends ${dateAndTime(life.plannedRevocation.at, timeZone)}`
      : `Expires ${dateAndTime(life.expiresAt, timeZone)}`;
  // Below the line: where it begins and ends. The end is written where the line ends, or as near to it as both fit; on a phone it may stand
  // alone.
  const besideStart = widthOfWords(startLabel) + widthOfWords(endLabel) + 16;
  const roomForBoth = besideStart <= width;
  const endAt = Math.max(line.to, roomForBoth ? besideStart : widthOfWords(endLabel));
  return (
    <g>
      {now !== undefined && (
        <Label x={now} y={-24} width={width} strong>
          {lastUse !== undefined && !room ? "now · last used" : "now"}
        </Label>
      )}
      {room && lastUse !== undefined && (
        <Label x={lastUse} y={-24} width={width}>
          last used
        </Label>
      )}
      {roomForBoth && (
        <text className={classes.label} x={0} y={below} textAnchor="start">
          {startLabel}
        </text>
      )}
      <text className={classes.label} x={Math.min(endAt, width)} y={below} textAnchor="end">
        {endLabel}
      </text>
    </g>
  );
}

/** Near enough for placing labels, without measuring. */
function widthOfWords(words: string): number {
  return words.length * 6.4;
}

function Label(props: {
  x: number;
  y: number;
  width: number;
  strong?: boolean;
  children: string;
}): ReactElement {
  const { x, y, width, strong, children } = props;
  const edge = children.length * 3.6;
  const anchor = x < edge ? "start" : x > width - edge ? "end" : "middle";
  return (
    <text
      className={classes.label}
      data-strong={strong === true}
      x={anchor === "start" ? 0 : anchor === "end" ? width : x}
      y={y}
      textAnchor={anchor}
    >
      {children}
    </text>
  );
}

function dateAndTime(instant: string, timeZone: string): string {
  return `${formatDate(instant, timeZone)}, ${formatMinute(instant, timeZone)}`;
}
