/** How the dates of LIST are to be understood. */
export interface DateRules {
  /** `dateFormat` of the definition. */
  readonly format: string | undefined;
  readonly zone: string;
  /** A date without its year is the last such day before now. */
  readonly now: Date;
}

export interface CustomLine {
  readonly kind: string;
  readonly name: string;
  readonly size: number | undefined;
  readonly modifiedAt: Date | undefined;
}

export interface DateReader {
  /** `Nov 20 10:11`, `Nov 20 2025`, `20 Nov 10:11`, `2026-11-20 10:11`, `11-20-26 10:11AM`; undefined when unsure. */
  standard(text: string): Date | undefined;
  /** A line whose date is written in `dateFormat`. */
  custom(line: string): CustomLine | undefined;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAY_MS = 86_400_000;

interface Parts {
  readonly year: number | undefined;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export function createDateReader(rules: DateRules): DateReader {
  const layout = rules.format === undefined ? undefined : compile(rules.format);
  return {
    standard: (text) => instant(readStandard(text), rules),
    custom(line) {
      if (!layout) return undefined;
      const unix = layout.unix.exec(line);
      if (unix?.groups) {
        const { kind = "", size = "", name = "" } = unix.groups;
        const bare = kind === "l" ? name.replace(/ -> .*$/, "") : name;
        return { kind, name: bare, size: Number(size), modifiedAt: instant(layout.parts(unix.groups), rules) };
      }
      const dos = layout.dos.exec(line);
      if (!dos?.groups) return undefined;
      const { size = "", name = "" } = dos.groups;
      const isFolder = size === "<DIR>";
      const modifiedAt = instant(layout.parts(dos.groups), rules);
      return { kind: isFolder ? "d" : "-", name, size: isFolder ? undefined : Number(size), modifiedAt };
    },
  };
}

/** True when every part is there once, and the day can be told from it. */
export function isDateFormat(format: string): boolean {
  try {
    const { source } = compile(format).dos;
    return /<day>/.test(source) && /<(?:month|named)>/.test(source);
  } catch {
    return false;
  }
}

function readStandard(raw: string): Parts | undefined {
  const text = raw.trim().replace(/\s+/g, " ");
  const time = /(?<![\d-])(\d{1,2}):(\d\d)(?::(\d\d))? ?([AP]M)?$/i.exec(text);
  const clock = { ...hours(time?.[1], time?.[4]), minute: Number(time?.[2] ?? 0), second: Number(time?.[3] ?? 0) };
  const named = /^([a-z]{3}) (\d{1,2})\b/i.exec(text) ?? /^(\d{1,2}) ([a-z]{3})\b/i.exec(text);
  if (named) {
    const words = [named[1] ?? "", named[2] ?? ""];
    const month = MONTHS.indexOf((words.find((word) => /[a-z]/i.test(word)) ?? "").toLowerCase()) + 1;
    const day = Number(words.find((word) => /\d/.test(word)));
    const year = / (\d{4})$/.exec(text)?.[1];
    if (month === 0 || (!time && !year)) return undefined;
    return { year: year ? Number(year) : undefined, month, day, ...clock };
  }
  const iso = /^(\d{4})[-/](\d\d?)[-/](\d\d?)/.exec(text);
  if (iso) return { year: Number(iso[1]), month: Number(iso[2]), day: Number(iso[3]), ...clock };
  // Microsoft's: month first, years of two digits from 1970 on.
  const dos = /^(\d\d)-(\d\d)-(\d\d(?:\d\d)?) /.exec(text);
  if (!dos || !time) return undefined;
  return { year: century(dos[3] ?? ""), month: Number(dos[1]), day: Number(dos[2]), ...clock };
}

function hours(text: string | undefined, half: string | undefined): { hour: number } {
  const hour = Number(text ?? 0);
  if (!half) return { hour };
  return { hour: (hour % 12) + (half.toUpperCase() === "PM" ? 12 : 0) };
}

function century(digits: string): number {
  const year = Number(digits);
  if (digits.length > 2) return year;
  return year < 70 ? 2000 + year : 1900 + year;
}

function instant(parts: Parts | undefined, { zone, now }: DateRules): Date | undefined {
  if (!parts) return undefined;
  if (parts.year !== undefined) return inZone({ ...parts, year: parts.year }, zone);
  const thisYear = now.getUTCFullYear();
  // A day's tolerance, for clocks that differ.
  return [thisYear + 1, thisYear, thisYear - 1]
    .map((year) => inZone({ ...parts, year }, zone))
    .find((date) => date !== undefined && date.getTime() <= now.getTime() + DAY_MS);
}

/** The instant at which clocks in `zone` show these numbers; undefined when there is no such day. */
function inZone({ year = 0, month, day, hour, minute, second }: Parts, zone: string): Date | undefined {
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  const asDate = new Date(local);
  if (asDate.getUTCMonth() !== month - 1 || asDate.getUTCDate() !== day) return undefined;
  const guess = local - offsetAt(local, zone);
  return new Date(local - offsetAt(guess, zone));
}

function offsetAt(time: number, zone: string): number {
  if (zone === "UTC") return 0;
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
  const name = format.formatToParts(new Date(time)).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const match = /GMT([+-])(\d\d):(\d\d)/.exec(name);
  if (!match) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return (match[1] === "-" ? -minutes : minutes) * 60_000;
}

interface Layout {
  readonly unix: RegExp;
  readonly dos: RegExp;
  parts(groups: Readonly<Record<string, string | undefined>>): Parts | undefined;
}

const TOKENS: Readonly<Record<string, string>> = {
  yyyy: "(?<year>\\d{4})",
  yy: "(?<year>\\d\\d)",
  MMM: "(?<named>[A-Za-z]{3})",
  MM: "(?<month>\\d\\d)",
  M: "(?<month>\\d{1,2})",
  dd: "(?<day>\\d\\d)",
  d: "(?<day>\\d{1,2})",
  HH: "(?<hour>\\d\\d)",
  H: "(?<hour>\\d{1,2})",
  hh: "(?<hour>\\d\\d)",
  h: "(?<hour>\\d{1,2})",
  mm: "(?<minute>\\d\\d)",
  m: "(?<minute>\\d{1,2})",
  ss: "(?<second>\\d\\d)",
  s: "(?<second>\\d{1,2})",
  a: "(?<half>[AaPp][Mm])",
  tt: "(?<half>[AaPp][Mm])",
};

function compile(format: string): Layout {
  const parts = format.match(/yyyy|yy|MMM|MM|M|dd|d|HH|H|hh|h|mm|m|ss|s|tt|a|./gs) ?? [];
  const date = parts
    .map((part) => TOKENS[part] ?? (part === " " ? " +" : part.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")))
    .join("");
  return {
    unix: new RegExp(
      `^\\s*(?<kind>[a-z-])[rwxsStTL-]{9}\\S?\\s+\\d+\\s(?:.{0,200}?\\s)?(?<size>\\d{1,16})\\s+${date}\\s(?<name>.+)$`,
    ),
    dos: new RegExp(`^\\s*${date}\\s+(?<size><DIR>|\\d{1,16})\\s+(?<name>\\S.*)$`),
    parts(groups) {
      const month = groups.named ? MONTHS.indexOf(groups.named.toLowerCase()) + 1 : Number(groups.month);
      if (!(month >= 1)) return undefined;
      return {
        year: groups.year === undefined ? undefined : century(groups.year),
        month,
        day: Number(groups.day),
        ...hours(groups.hour, groups.half),
        minute: Number(groups.minute ?? 0),
        second: Number(groups.second ?? 0),
      };
    },
  };
}
