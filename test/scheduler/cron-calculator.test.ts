import { describe, expect, test } from "vitest";
import {
  type DstRules,
  hasFixedHours,
  instants,
  neverComes,
  patternProblem,
} from "../../src/scheduler/cron-calculator.js";

const hour = 3_600_000;

function all(pattern: string, zone: string, after: string, until: string, dst?: Partial<DstRules>): string[] {
  const rules: DstRules = { gap: "shift", repeat: "first", ...dst };
  return [...instants(pattern, zone, { after: new Date(after), until: new Date(until), dst: rules })].map((at) =>
    at.toISOString().replace(":00.000Z", "Z"),
  );
}

describe("the night when Stockholm's clocks go from 02:00 to 03:00 (2027-03-28)", () => {
  const night = (pattern: string, dst?: Partial<DstRules>): string[] =>
    all(pattern, "Europe/Stockholm", "2027-03-27T22:59:59Z", "2027-03-28T03:00:00Z", dst);

  test.each([
    ["30 2 * * *", ["2027-03-28T01:00Z"]],
    ["0,30 2 * * *", ["2027-03-28T01:00Z"]],
    ["0-59 2 * * *", ["2027-03-28T01:00Z"]],
    ["30 1-3 * * *", ["2027-03-28T00:30Z", "2027-03-28T01:00Z", "2027-03-28T01:30Z"]],
    ["0 2,3 * * *", ["2027-03-28T01:00Z"]],
    ["0 3 * * *", ["2027-03-28T01:00Z"]],
    ["30 15 2 * * *", ["2027-03-28T01:00Z"]],
    ["*/15 2 * * *", []],
    ["30 * * * *", ["2027-03-27T23:30Z", "2027-03-28T00:30Z", "2027-03-28T01:30Z", "2027-03-28T02:30Z"]],
    ["0 */2 * * *", ["2027-03-27T23:00Z", "2027-03-28T02:00Z"]],
  ])("%s runs right after the gap if its hours are fixed", (pattern, expected) => {
    expect(night(pattern)).toEqual(expected);
  });

  test.each([
    ["30 2 * * *", []],
    ["30 1-3 * * *", ["2027-03-28T00:30Z", "2027-03-28T01:30Z"]],
    ["0 3 * * *", ["2027-03-28T01:00Z"]],
  ])("%s with gap: skip does not make up for it", (pattern, expected) => {
    expect(night(pattern, { gap: "skip" })).toEqual(expected);
  });

  test("a question that begins just before or at the change does not lose or repeat the shifted instant", () => {
    const from = (after: string): string[] => all("30 2 * * *", "Europe/Stockholm", after, "2027-03-29T12:00:00Z");
    expect([from("2027-03-28T00:59:59.999Z"), from("2027-03-28T01:00:00Z")]).toEqual([
      ["2027-03-28T01:00Z", "2027-03-29T00:30Z"],
      ["2027-03-29T00:30Z"],
    ]);
  });
});

describe("the night when Stockholm's clocks go from 03:00 back to 02:00 (2027-10-31)", () => {
  const night = (pattern: string, dst?: Partial<DstRules>): string[] =>
    all(pattern, "Europe/Stockholm", "2027-10-30T22:59:59Z", "2027-10-31T02:00:00Z", dst);

  test.each<[string, DstRules["repeat"], string[]]>([
    ["30 2 * * *", "first", ["2027-10-31T00:30Z"]],
    ["30 2 * * *", "last", ["2027-10-31T01:30Z"]],
    ["30 2 * * *", "both", ["2027-10-31T00:30Z", "2027-10-31T01:30Z"]],
    ["0,30 2 * * *", "first", ["2027-10-31T00:00Z", "2027-10-31T00:30Z"]],
    ["0,30 2 * * *", "last", ["2027-10-31T01:00Z", "2027-10-31T01:30Z"]],
    ["30 1-3 * * *", "first", ["2027-10-30T23:30Z", "2027-10-31T00:30Z"]],
    ["0 3 * * *", "first", ["2027-10-31T02:00Z"]],
    ["30 * * * *", "first", ["2027-10-30T23:30Z", "2027-10-31T00:30Z", "2027-10-31T01:30Z"]],
    ["*/30 2 * * *", "last", ["2027-10-31T00:00Z", "2027-10-31T00:30Z", "2027-10-31T01:00Z", "2027-10-31T01:30Z"]],
  ])("%s with repeat: %s", (pattern, repeat, expected) => {
    expect(night(pattern, { repeat })).toEqual(expected);
  });

  test("the second pass is not run when the question begins between the two", () => {
    expect(all("30 2 * * *", "Europe/Stockholm", "2027-10-31T00:45:00Z", "2027-11-01T02:00:00Z")).toEqual([
      "2027-11-01T01:30Z",
    ]);
  });
});

test.each([
  ["Europe/London", "30 1 * * *", "2026-03-29T01:00Z"],
  ["America/New_York", "30 2 * * *", "2026-03-08T07:00Z"],
  ["Australia/Lord_Howe", "15 2 * * *", "2026-10-03T15:30Z"],
  ["America/Sao_Paulo", "30 0 * * *", "2018-11-04T03:00Z"],
  ["Pacific/Apia", "30 12 30 12 *", "2011-12-30T10:00Z"],
])("in %s %s of the gap comes at %s", (zone, pattern, expected) => {
  const day = new Date(expected).getTime();
  const around = (ms: number): string => new Date(day + ms).toISOString();
  expect(all(pattern, zone, around(-hour), around(hour))).toEqual([expected]);
});

test("day of month and day of week, both given, mean either", () => {
  expect(all("0 12 1,15 * FRI", "UTC", "2026-11-01T13:00Z", "2026-11-21T00:00Z")).toEqual([
    "2026-11-06T12:00Z",
    "2026-11-13T12:00Z",
    "2026-11-15T12:00Z",
    "2026-11-20T12:00Z",
  ]);
});

test.each([
  ["0 12 L * *", ["2026-11-30T12:00Z", "2026-12-31T12:00Z"]],
  ["0 12 LW * *", ["2026-11-30T12:00Z", "2026-12-31T12:00Z"]],
  ["0 12 15W * *", ["2026-11-16T12:00Z", "2026-12-15T12:00Z"]],
  ["0 12 * * MON#1", ["2026-11-02T12:00Z", "2026-12-07T12:00Z"]],
  ["0 0 12 1 NOV-DEC *", ["2026-11-01T12:00Z", "2026-12-01T12:00Z"]],
])("%s", (pattern, expected) => {
  expect(all(pattern, "UTC", "2026-11-01T00:00Z", "2027-01-01T00:00Z")).toEqual(expected);
});

test("a leap day is found over many years, in a zone with summer time", () => {
  const [first, second] = instants("30 2 29 2 *", "Europe/Stockholm", { after: new Date("2026-11-20T00:00Z") });
  expect([first?.toISOString(), second?.toISOString()]).toEqual([
    "2028-02-29T01:30:00.000Z",
    "2032-02-29T01:30:00.000Z",
  ]);
});

test("a pattern that no date matches never comes, and ends", () => {
  expect([
    neverComes("0 0 30 2 *"),
    [...instants("0 0 30 2 *", "Europe/London", { after: new Date(0) })],
    neverComes("0 0 29 2 *"),
  ]).toEqual([true, [], false]);
});

test("what is wrong with a pattern is said", () => {
  const bad = ["61 * * * *", "* * * *", "0 0 0 1 1 * 2027", "2026-12-31T23:00", "* * * * FUNDAY", ""];
  expect(bad.map((pattern) => patternProblem(pattern) !== undefined)).toEqual(bad.map(() => true));
  expect(patternProblem("61 * * * *")).toBe("Invalid value for minute: 61");
  expect(["30 2 * * *", "0 30 2 L * *", "0 12 * * FRI#2", "@daily"].map(patternProblem)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("lists and ranges of hours are fixed, wildcards and steps are not", () => {
  const patterns = ["30 2 * * *", "0,30 1-3 * * *", "0 30 2 * * *", "*/10 30 2 * * *", "@daily"];
  const wild = ["*/15 2 * * *", "0 * * * *", "0 0-23/2 * * *", "? 2 * * *", "0 */5 2 * * *", "@hourly"];
  expect([patterns.map(hasFixedHours), wild.map(hasFixedHours)]).toEqual([
    patterns.map(() => true),
    wild.map(() => false),
  ]);
});

describe("over the days when clocks change, the instants are those of a loop over minutes", () => {
  const days: Record<string, string[]> = {
    "Europe/Stockholm": ["2026-03-29", "2026-10-25"],
    "Europe/London": ["2026-03-29", "2026-10-25"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
    "America/Sao_Paulo": ["2018-02-18", "2018-11-04"],
    "Africa/Casablanca": ["2026-02-15", "2026-03-22"],
    "Asia/Kathmandu": ["2026-03-29"],
  };
  const rules = (["shift", "skip"] as const).flatMap((gap) =>
    (["first", "last", "both"] as const).map((repeat) => ({ gap, repeat })),
  );
  const shapes = [
    { minutes: "30", hours: "2" },
    { minutes: "0,30", hours: "2" },
    { minutes: "15", hours: "0-3" },
    { minutes: "0", hours: "0,23" },
    { minutes: "*/15", hours: "1-2" },
    { minutes: "45", hours: "*" },
    { minutes: "5", hours: "*/2" },
  ];
  test.each(Object.entries(days))("%s", (zone, dates) => {
    for (const date of dates) {
      const from = new Date(`${date}T00:00Z`).getTime() - 36 * hour;
      const until = from + 96 * hour;
      const minutesOf = readClock(zone, from - 24 * hour, until + 24 * hour);
      for (const dst of rules) {
        for (const { minutes, hours } of shapes) {
          const pattern = `${minutes} ${hours} * * *`;
          const found = [...instants(pattern, zone, { after: new Date(from), until: new Date(until), dst })].map((at) =>
            at.toISOString(),
          );
          expect({ pattern, dst, found }).toEqual({
            pattern,
            dst,
            found: byMinutes(minutesOf, minutes, hours, dst)
              .filter((at) => at > from && at <= until)
              .map((at) => new Date(at).toISOString()),
          });
        }
      }
    }
  });
});

interface Minute {
  readonly at: number;
  /** What the zone's clock shows, as if it were UTC. */
  readonly shown: number;
}

function readClock(zone: string, from: number, until: number): Minute[] {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  const minutes: Minute[] = [];
  for (let at = from; at <= until; at += 60_000)
    minutes.push({ at, shown: new Date(`${format.format(at).replace(" ", "T")}Z`).getTime() });
  return minutes;
}

/** The same, found by reading the zone's clock at every minute. */
function byMinutes(clock: readonly Minute[], minutes: string, hours: string, { gap, repeat }: DstRules): number[] {
  const fixed = !/[*/]/.test(minutes + hours);
  const passes = new Map<number, number[]>();
  for (const { at, shown } of clock) passes.set(shown, [...(passes.get(shown) ?? []), at]);
  const matches = (shown: number): boolean => {
    const time = new Date(shown);
    return member(minutes, time.getUTCMinutes()) && member(hours, time.getUTCHours());
  };
  const found = new Set<number>();
  for (const [index, { at, shown }] of clock.entries()) {
    const twins = passes.get(shown) ?? [];
    const wanted = !fixed || repeat === "both" || at === (repeat === "first" ? twins[0] : twins.at(-1));
    if (matches(shown) && wanted) found.add(at);
    const before = clock[index - 1];
    if (!fixed || gap === "skip" || before === undefined) continue;
    for (let missing = before.shown + 60_000; missing < shown; missing += 60_000) if (matches(missing)) found.add(at);
  }
  return [...found].toSorted((a, b) => a - b);
}

function member(field: string, value: number): boolean {
  return field.split(",").some((part) => {
    const [range = "", step] = part.split("/");
    const [low, high] = range === "*" ? [0, 59] : range.split("-").map(Number);
    return value >= (low ?? 0) && value <= (high ?? low ?? 0) && (value - (low ?? 0)) % Number(step ?? 1) === 0;
  });
}
