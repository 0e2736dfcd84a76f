import { expect, test } from "vitest";
import { didYouMean, list } from "../../src/base/nearest.js";
import { parseDuration, parseSize, portRange } from "../../src/base/units.js";

test.each([
  ["500ms", 500],
  ["30s", 30_000],
  ["1h30m", 5_400_000],
  ["2d", 172_800_000],
  ["30", undefined],
  ["5 m", undefined],
  ["", undefined],
  ["-5s", undefined],
])("the duration %s is %s ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  ["64KiB", 65_536],
  ["10MB", 10_000_000],
  ["1B", 1],
  ["10", undefined],
  ["10mb", undefined],
])("the size %s is %s bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each([
  ["53000-54999", { from: 53000, to: 54999 }],
  [21, { from: 21, to: 21 }],
])("the port range %s", (text, range) => {
  expect(portRange.parse(text)).toEqual(range);
});

test.each(["0-5", "70000", "9-3", "a"])("%s is no port range", (text) => {
  expect(portRange.safeParse(text).success).toBe(false);
});

test.each([
  ["conection", ["connection", "to"], 'did you mean "connection"?'],
  ["que", ["queue", "skip"], 'did you mean "queue"?'],
  ["zebra", ["connection", "to"], undefined],
  ["x", ["y"], undefined],
])("%s among %s", (found, names, hint) => {
  expect(didYouMean(found, names)).toBe(hint);
});

test("a list is written as a sentence", () => {
  expect([list([]), list(["a"]), list(["a", "b", "c"]), list(["a", "b", "c"], "and", 2)]).toEqual([
    "none",
    "a",
    "a, b or c",
    "a, b …",
  ]);
});
