import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLog, type LogOptions } from "../../src/agent/log.js";
import { createMasker } from "../../src/base/secret.js";
import { createFakeClock } from "../support/fake-clock.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ferry-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a line carries time, level, run and job", () => {
  const { log } = open();
  log("info", "the agent is up");
  log("warn", "a.csv vanished", { run: 42, job: "nightly" });
  expect(lines("2026-11-20")).toEqual([
    "2026-11-20T23:59:58.000Z info  the agent is up",
    "2026-11-20T23:59:58.000Z warn  run 42 (nightly) a.csv vanished",
  ]);
});

test("as JSON, too", () => {
  const { log } = open({ format: "json" });
  log("error", "failed", { run: 7, job: "outbox" });
  log("info", "fine");
  expect(lines("2026-11-20").map((line) => JSON.parse(line))).toEqual([
    { at: "2026-11-20T23:59:58.000Z", level: "error", run: 7, job: "outbox", message: "failed" },
    { at: "2026-11-20T23:59:58.000Z", level: "info", message: "fine" },
  ]);
});

test("the level decides what is kept", () => {
  const { log } = open({ level: "warn" });
  for (const level of ["debug", "info", "warn", "error"] as const) log(level, level);
  expect(lines("2026-11-20").map((line) => line.slice(25).trim())).toEqual(["warn  warn", "error error"]);
});

test("one event is one line, and secrets and escape sequences do not pass", () => {
  const { log, masker } = open();
  masker.add("pear tree 99");
  log("info", "331 pear tree 99\r\n220 forged \u001b[2J \u009b1m \u202e");
  expect(lines("2026-11-20")).toEqual([
    "2026-11-20T23:59:58.000Z info  331 ********\\u{d}\\u{a}220 forged \\u{1b}[2J \\u{9b}1m \\u{202e}",
  ]);
});

test("no line is lost when the day ends, each is in the file of its day, and only the owner reads them", async () => {
  const { log, clock } = open();
  for (let number = 0; number < 10_000; number++) {
    if (number === 5_000) await clock.advance(2_000);
    log("info", `line ${number}`);
  }
  const numbers = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, index) => `line ${from + index}`);
  expect(lines("2026-11-20").map((line) => line.slice(31))).toEqual(numbers(0, 5_000));
  expect(lines("2026-11-21").map((line) => line.slice(31))).toEqual(numbers(5_000, 10_000));
  expect(statSync(join(folder, "ferry-2026-11-21.log")).mode & 0o777).toBe(0o600);
});

test("files older than `keep` go when a day begins, and nothing else does", async () => {
  for (const name of ["ferry-2026-10-20.log", "ferry-2026-10-22.log", "notes.txt"])
    writeFileSync(join(folder, name), "");
  const { log, clock } = open();
  await clock.advance(2_000);
  log("info", "a new day");
  expect(readdirSync(folder).toSorted()).toEqual(["ferry-2026-10-22.log", "ferry-2026-11-21.log", "notes.txt"]);
});

function open(change: Partial<LogOptions> = {}) {
  const clock = createFakeClock(new Date("2026-11-20T23:59:58.000Z"));
  const masker = createMasker();
  const keepMs = 30 * 86_400_000;
  const log = createLog({ folder, level: "info", format: "text", keepMs, console: false, clock, masker, ...change });
  return { log, clock, masker };
}

function lines(day: string): readonly string[] {
  return readFileSync(join(folder, `ferry-${day}.log`), "utf8")
    .trimEnd()
    .split("\n");
}
