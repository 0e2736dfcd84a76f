import { Liquid } from "liquidjs";

/** Gives a secret's value, and makes the masker know it. Fails with FERRY_SECRET_MISSING. */
export type RevealSecret = (name: string) => string | Promise<string>;

/** Tags that read other files: definitions are the only source of templates. */
const REFUSED_TAGS = ["include", "render", "layout", "block"];

const LIMITS = { parseLimit: 256 * 1024, renderLimit: 2_000, memoryLimit: 64 * 1024 * 1024 };

interface EngineOptions {
  readonly timezone: string;
  readonly strict: boolean;
  readonly reveal: RevealSecret;
}

/** An engine of one's own: dates in the job's zone, nothing undefined, nothing inherited, no files. */
export function createEngine({ timezone, strict, reveal }: EngineOptions): Liquid {
  const engine = new Liquid({
    strictVariables: strict,
    strictFilters: strict,
    lenientIf: true,
    ownPropertyOnly: true,
    timezoneOffset: timezone,
    dateFormat: "%Y-%m-%dT%H:%M:%S%:z",
    locale: "en",
    ...LIMITS,
  });
  for (const tag of REFUSED_TAGS) delete engine.tags[tag];
  const date = engine.filters.date;
  engine.registerFilter("secret", (name: unknown) => reveal(String(name)));
  engine.registerFilter("date", function (value: unknown, format: unknown, zone?: unknown) {
    const given = value === "now" || value === "today" ? this.context.getSync(["now"]) : value;
    const instant = typeof given === "string" ? localInstant(given, typeof zone === "string" ? zone : timezone) : given;
    return typeof date === "function" ? date.call(this, instant, format, zone) : instant;
  });
  return engine;
}

/** The instant of a text without a zone, such as `2026-11-20`, on the clocks of `timezone`; any other text as it is. */
function localInstant(text: string, timezone: string): unknown {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,3})?)?)?$/.exec(text);
  if (!match) return text;
  const asUtc = Date.parse(`${match[1]}T${match[2] ?? "00:00"}${match[3] ?? ":00"}Z`);
  if (Number.isNaN(asUtc)) return text;
  const guess = asUtc - offsetMs(asUtc, timezone);
  return new Date(asUtc - offsetMs(guess, timezone));
}

/** How far the clocks of `timezone` are ahead of UTC at an instant. */
export function offsetMs(instant: number, timezone: string): number {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: timezone, timeZoneName: "longOffset" });
  const name = format.formatToParts(instant).find((part) => part.type === "timeZoneName")?.value ?? "GMT";
  const match = /([+-])(\d{2}):(\d{2})/.exec(name);
  if (!match) return 0;
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) * 60_000;
}
