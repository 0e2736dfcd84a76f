import { Cron } from "croner";

/** What becomes of a fixed hour that a change of the offset leaves out, or brings twice. */
export interface DstRules {
  readonly gap: "shift" | "skip";
  readonly repeat: "first" | "last" | "both";
}

export interface Span {
  /** Exclusive. */
  readonly after: Date;
  /** Inclusive; without it the instants go on as long as the calendar. */
  readonly until?: Date;
  readonly dst?: DstRules;
}

const DAY_MS = 86_400_000;
/** No zone changes its offset twice within a week. */
const WINDOW_MS = 7 * DAY_MS;

/**
 * The instants of `pattern` in `zone`, ascending. croner is asked for wall-clock times as if there were no zones; between
 * two changes of the offset they differ from instants by a constant, and at a change `dst` decides.
 */
export function* instants(pattern: string, zone: string, span: Span): Generator<Date> {
  const { gap, repeat } = span.dst ?? { gap: "shift", repeat: "first" };
  const after = span.after.getTime();
  const until = span.until?.getTime() ?? Number.POSITIVE_INFINITY;
  const atOrAfter = wallTimes(pattern);
  const fixed = hasFixedHours(pattern);
  let at = after;
  while (at <= until) {
    const { offset, end, nextOffset } = stretch(zone, at);
    let wall = atOrAfter(at + offset);
    for (; wall !== undefined && wall < end + offset; wall = atOrAfter(wall + 1000)) {
      const instant = wall - offset;
      if (instant > until) return;
      if (instant > after && !(fixed && leftToItsTwin(zone, instant, offset, repeat))) yield new Date(instant);
    }
    if (wall === undefined) return;
    const inGap = wall < end + nextOffset;
    if (
      fixed &&
      gap === "shift" &&
      inGap &&
      end > after &&
      end <= until &&
      atOrAfter(end + nextOffset) !== end + nextOffset
    ) {
      yield new Date(end);
    }
    at = nextOffset === offset ? Math.max(end, wall - offset - 2 * DAY_MS) : end;
  }
}

/** The last instant in the span, undefined when there is none. */
export function lastInstant(pattern: string, zone: string, span: Required<Span>): Date | undefined {
  const earliest = span.after.getTime();
  for (let width = 60_000; ; width *= 8) {
    const after = Math.max(earliest, span.until.getTime() - width);
    let last: Date | undefined;
    for (const instant of instants(pattern, zone, { ...span, after: new Date(after) })) last = instant;
    if (last !== undefined || after === earliest) return last;
  }
}

/** What is wrong with a pattern, in croner's words; undefined when nothing is. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.includes(":")) return "a date or time of day is not a cron pattern";
  try {
    calculator(pattern);
    return undefined;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, "");
  }
}

/** Whether no date of the calendar matches, as of `0 0 30 2 *`. */
export function neverComes(pattern: string): boolean {
  return wallTimes(pattern)(0) === undefined;
}

/** Lists and ranges are fixed, too; `*`, `?` and steps run through. */
export function hasFixedHours(pattern: string): boolean {
  const fields = pattern.trim().split(/\s+/);
  if (fields.length === 1) return !/^@hourly$/i.test(pattern.trim());
  return !/[*?/]/.test(`${fields.at(-5)} ${fields.at(-4)}`);
}

/** A function that gives the first match at or after a wall-clock time, both as milliseconds of a day without zone. */
function wallTimes(pattern: string): (from: number) => number | undefined {
  const cron = calculator(pattern);
  return (from) => cron.nextRun(new Date(from - 1))?.getTime();
}

function calculator(pattern: string): Cron {
  return new Cron(pattern, { mode: "5-or-6-parts", utcOffset: 0, paused: true });
}

/** Whether the same wall-clock time comes a second time within a day, and the other one is to be run instead. */
function leftToItsTwin(zone: string, instant: number, offset: number, repeat: DstRules["repeat"]): boolean {
  if (repeat === "both") return false;
  const otherOffset = offsetAt(zone, repeat === "first" ? instant - DAY_MS : instant + DAY_MS);
  const twin = instant + offset - otherOffset;
  const elsewhere = repeat === "first" ? twin < instant : twin > instant;
  return elsewhere && offsetAt(zone, twin) === otherOffset;
}

interface Stretch {
  readonly offset: number;
  /** The change of the offset, exclusive, or the end of the window that was looked at. */
  readonly end: number;
  readonly nextOffset: number;
}

function stretch(zone: string, from: number): Stretch {
  const offset = offsetAt(zone, from);
  let same = from;
  let end = from + WINDOW_MS;
  const nextOffset = offsetAt(zone, end);
  if (nextOffset === offset) return { offset, end, nextOffset };
  while (end - same > 1) {
    const middle = Math.floor((same + end) / 2);
    if (offsetAt(zone, middle) === offset) same = middle;
    else end = middle;
  }
  return { offset, end, nextOffset };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What the zone's clocks are ahead of UTC, in milliseconds. */
function offsetAt(zone: string, at: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
    formats.set(zone, format);
  }
  const [, sign, hours, minutes, seconds] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(format.format(at)) ?? [];
  const size = ((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0)) * 1000;
  return sign === "-" ? -size : size;
}
