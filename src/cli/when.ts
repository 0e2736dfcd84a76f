import { AgentError } from "../base/errors.js";
import { parseDuration } from "../base/units.js";

/** Times as people write and read them: in the machine's time zone (or TZ), while --json is UTC. */

const EXPECTED = "a time such as 2026-11-20, 2026-11-20T02:30, 2026-11-20T02:30:00Z, today, 12h or 2d";

export interface WhenOptions {
  readonly now: Date;
  /** `2d` is two days ago, or in two days. */
  readonly relative: "past" | "future";
  /** A date alone: where its day begins, or where it ends. */
  readonly edge?: "start" | "end";
}

/** The instant that `text` names. */
export function parseWhen(text: string, option: string, { now, relative, edge = "start" }: WhenOptions): Date {
  const duration = parseDuration(text);
  if (duration !== undefined) return new Date(now.getTime() + (relative === "past" ? -duration : duration));
  if (text === "now") return now;
  const found = day(text, now, edge) ?? instant(text);
  if (found === undefined || Number.isNaN(found.getTime())) {
    throw new AgentError("FERRY_USAGE", `${option} is "${text}", and ${EXPECTED} is expected`);
  }
  return found;
}

function day(text: string, now: Date, edge: "start" | "end"): Date | undefined {
  const named = { today: 0, yesterday: -1, tomorrow: 1 }[text];
  const written = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (named === undefined && !written) return undefined;
  const from = written
    ? dateOf(Number(written[1]), Number(written[2]) - 1, Number(written[3]))
    : new Date(now.getFullYear(), now.getMonth(), now.getDate() + (named ?? 0));
  if (edge === "start" || from === undefined) return from;
  return new Date(from.getFullYear(), from.getMonth(), from.getDate(), 23, 59, 59, 999);
}

/** Undefined for the 30th of February, which Date would move to March. */
function dateOf(year: number, month: number, date: number): Date | undefined {
  const made = new Date(year, month, date);
  return made.getMonth() === month && made.getDate() === date ? made : undefined;
}

/** ISO 8601; without a zone it is local. */
function instant(text: string): Date | undefined {
  const iso = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/i;
  return iso.test(text) ? new Date(text.replace(" ", "T")) : undefined;
}

/** `2026-11-20 02:30:00`, local. */
export function localTime(at: string): string {
  return `${localDate(at)} ${clockTime(at)}`;
}

export function localDate(at: string): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** `02:30:00`, local. */
export function clockTime(at: string): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `2026-11-20 02:30:00.131`, local: a line of a transcript. */
export function preciseTime(at: string): string {
  return `${localTime(at)}.${String(new Date(at).getMilliseconds()).padStart(3, "0")}`;
}

/** `Fri 2026-11-20 02:30:00`. */
export function dayAndTime(at: string): string {
  return `${DAYS[new Date(at).getDay()]} ${localTime(at)}`;
}

/** The zone that the times above are in. */
export function localZone(): string {
  return new Intl.DateTimeFormat("en").resolvedOptions().timeZone;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

function two(value: number): string {
  return String(value).padStart(2, "0");
}
