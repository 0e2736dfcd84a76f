import { expect, test } from "vitest";
import { parseWhen } from "../../src/cli/when.js";

const now = new Date(2026, 10, 20, 12, 0, 0);
const past = { now, relative: "past" } as const;

test.each<[string, Date]>([
  ["2d", new Date(now.getTime() - 2 * 86_400_000)],
  ["12h", new Date(now.getTime() - 12 * 3_600_000)],
  ["1h30m", new Date(now.getTime() - 5_400_000)],
  ["now", now],
  ["2026-11-19", new Date(2026, 10, 19)],
  ["today", new Date(2026, 10, 20)],
  ["yesterday", new Date(2026, 10, 19)],
  ["2026-11-19T02:30", new Date(2026, 10, 19, 2, 30)],
  ["2026-11-19 02:30:05", new Date(2026, 10, 19, 2, 30, 5)],
  ["2026-11-19T02:30:00Z", new Date(Date.UTC(2026, 10, 19, 2, 30))],
  ["2026-11-19T02:30:00.131+02:00", new Date(Date.UTC(2026, 10, 19, 0, 30, 0, 131))],
])("%s is understood", (text, expected) => {
  expect(parseWhen(text, "--since", past)).toEqual(expected);
});

test("a date alone ends with its day where an end is asked for", () => {
  expect(parseWhen("2026-11-19", "--until", { ...past, edge: "end" })).toEqual(new Date(2026, 10, 19, 23, 59, 59, 999));
});

test("a duration lies ahead where the future is asked for", () => {
  expect(parseWhen("2d", "--until", { now, relative: "future" })).toEqual(new Date(now.getTime() + 2 * 86_400_000));
});

test.each(["", "soon", "2026-02-30", "2026-13-01", "11/20/2026", "2026-11-20T25:00", "5", "-2d"])(
  "%j is refused by the option's name",
  (text) => {
    expect(() => parseWhen(text, "--since", past)).toThrow(/^--since is /);
  },
);
