import { beforeEach, describe, expect, test } from "vitest";
import { AgentError } from "../../src/base/errors.js";
import { cron } from "../../src/scheduler/cron.js";
import { type Scheduler, startScheduler } from "../../src/scheduler/scheduler.js";
import { createFakeClock, type FakeClock } from "../support/fake-clock.js";
import { createMemoryMarks, type MemoryMarks } from "../support/memory-marks.js";

const minute = 60_000;
const hour = 60 * minute;

let clock: FakeClock;
let marks: MemoryMarks;
let log: string[];

beforeEach(() => {
  clock = createFakeClock("2026-11-20T08:10:00Z");
  marks = createMemoryMarks();
  log = [];
});

function start(definition: Record<string, unknown>, timezone = "UTC"): Scheduler {
  return startScheduler({
    jobs: [{ name: "nightly", timezone, triggers: [{ kind: "cron", spec: cron.schema.parse(definition) }] }],
    kinds: [cron],
    clock,
    marks,
    workspace: "/nowhere",
    book: (...booking) => marks.book(...booking),
    render: async () => "",
    log: (level, message) => log.push(`${level} ${message}`),
  });
}

/** The booked runs as `hour:minute`, with the first word of the reason where they are skipped. */
function booked(): string[] {
  return marks.runs.map(
    ({ dueAt, skip }) => `${dueAt.toISOString().slice(11, 16)}${skip ? ` ${skip.split(" ")[0]}` : ""}`,
  );
}

/** The agent runs for a while and is stopped, time passes, and it starts again. */
async function down(definition: Record<string, unknown>, forMs: number, timezone?: string): Promise<Scheduler> {
  const before = start(definition, timezone);
  await clock.advance(minute);
  await before.stop();
  await clock.advance(forMs);
  const after = start(definition, timezone);
  await clock.advance(0);
  return after;
}

test("each due instant is booked once, at its time, with its instant as the key", async () => {
  const scheduler = start({ cron: "0 * * * *" });
  await clock.advance(2 * hour);
  await scheduler.stop();
  expect(marks.runs.map(({ key, dueAt, skip }) => ({ key, dueAt, skip }))).toEqual([
    { key: "2026-11-20T09:00:00.000Z", dueAt: new Date("2026-11-20T09:00:00Z"), skip: undefined },
    { key: "2026-11-20T10:00:00.000Z", dueAt: new Date("2026-11-20T10:00:00Z"), skip: undefined },
  ]);
});

test("a trigger that was never seen before has missed nothing", async () => {
  const scheduler = start({ cron: "*/5 * * * *", missed: "all" });
  await clock.advance(0);
  await scheduler.stop();
  expect({ runs: marks.runs, bookings: marks.bookings }).toEqual({
    runs: [],
    bookings: [{ firings: [], mark: { instant: new Date("2026-11-20T08:10:00Z") } }],
  });
});

describe("firings that fell while the agent was down", () => {
  test.each<[string, Record<string, unknown>, string[]]>([
    ["latest runs the last one", {}, ["09:00 missed:", "10:00 missed:", "11:00"]],
    ["skip runs none", { missed: "skip" }, ["09:00 missed:", "10:00 missed:", "11:00 missed:"]],
    ["all runs all", { missed: "all" }, ["09:00", "10:00", "11:00"]],
    ["all within missedWithin", { missed: "all", missedWithin: "2h" }, ["09:00 missed:", "10:00", "11:00"]],
    ["latest outside missedWithin", { missedWithin: "10m" }, ["09:00 missed:", "10:00 missed:", "11:00 missed:"]],
    ["too late to be of use", { missed: "all", usefulUntil: "10:30" }, ["09:00 late:", "10:00 late:", "11:00"]],
    ["the latest is too late", { usefulUntil: "11:05" }, ["09:00 missed:", "10:00 missed:", "11:00 late:"]],
  ])("%s", async (_name, rules, expected) => {
    const scheduler = await down({ cron: "0 * * * *", ...rules }, 3 * hour);
    await scheduler.stop();
    const { firings, mark } = marks.bookings.at(-1) ?? {};
    expect({ booked: booked(), inOneBooking: firings?.length, mark }).toEqual({
      booked: expected,
      inOneBooking: 3,
      mark: { instant: new Date("2026-11-20T11:00:00Z") },
    });
  });

  test("are booked once, however often it starts again", async () => {
    const definition = { cron: "0 * * * *", missed: "all" };
    await (await down(definition, 2 * hour)).stop();
    await (await down(definition, 0)).stop();
    expect(booked()).toEqual(["09:00", "10:00"]);
  });

  test("a night's job that was due during a change of the clocks runs once", async () => {
    clock = createFakeClock("2027-03-27T12:00:00Z");
    await (await down({ cron: "0,30 2 * * *" }, 24 * hour, "Europe/Stockholm")).stop();
    expect(marks.runs.map(({ key, skip }) => [key, skip])).toEqual([["2027-03-28T01:00:00.000Z", undefined]]);
  });

  test("a long backlog is booked in pieces, each with its mark", async () => {
    const scheduler = await down({ cron: "*/2 * * * * *", missed: "skip" }, 6 * hour);
    await marks.until(() => marks.runs.length >= 6 * 1800);
    await scheduler.stop();
    expect({
      most: Math.max(...marks.bookings.map(({ firings }) => firings.length)),
      keys: new Set(marks.runs.map(({ key }) => key)).size,
    }).toEqual({
      most: 5000,
      keys: marks.runs.length,
    });
  });
});

describe("a wall clock that steps", () => {
  test("back never fires twice", async () => {
    const scheduler = start({ cron: "0 * * * *", missed: "all" });
    await clock.advance(hour);
    await clock.set("2026-11-20T07:30:00Z");
    await clock.advance(2 * hour);
    await clock.advance(hour);
    await scheduler.stop();
    expect(booked()).toEqual(["09:00", "10:00"]);
  });

  test("forward has missed what it left out", async () => {
    const scheduler = start({ cron: "0 * * * *" });
    await clock.advance(minute);
    await clock.set("2026-11-20T12:30:00Z");
    await scheduler.stop();
    expect(booked()).toEqual(["09:00 missed:", "10:00 missed:", "11:00 missed:", "12:00"]);
  });

  test("ahead of the mark by hours is said", async () => {
    await marks.book("nightly", "cron", "cron 0 * * * *", [], { instant: new Date("2027-01-01T00:00:00Z") });
    const scheduler = start({ cron: "0 * * * *" });
    await clock.advance(hour);
    await scheduler.stop();
    expect({ booked: booked(), log }).toEqual({
      booked: [],
      log: [
        "warn nightly: cron 0 * * * * is booked up to 2027-01-01T00:00:00.000Z, which is ahead of this machine's clock: it fires after that",
      ],
    });
  });
});

test("an instant that is noticed some seconds late is not missed", async () => {
  const scheduler = start({ cron: "0 * * * *", missed: "skip" });
  await clock.advance(49 * minute);
  await clock.set("2026-11-20T09:00:15Z");
  await scheduler.stop();
  expect(booked()).toEqual(["09:00"]);
});

test("usefulUntil is the next such time on the job's clock", async () => {
  const scheduler = start({ cron: "0 22 * * *", usefulUntil: "07:00" }, "America/New_York");
  await clock.advance(24 * hour);
  await scheduler.stop();
  expect(marks.runs.map(({ key, usefulUntil }) => [key, usefulUntil])).toEqual([
    ["2026-11-21T03:00:00.000Z", new Date("2026-11-21T12:00:00Z")],
  ]);
});

test("a trigger that never comes waits until it is stopped", async () => {
  const scheduler = start({ cron: "0 0 30 2 *" });
  await clock.advance(48 * hour);
  await scheduler.stop();
  expect([booked(), log]).toEqual([[], []]);
});

test("a booking that fails is tried again, and nothing is lost or repeated", async () => {
  const scheduler = start({ cron: "0 * * * *" });
  await clock.advance(minute);
  marks.failNext(new Error("disk full"));
  await clock.advance(hour);
  const watchers = scheduler.watchers();
  await clock.advance(hour);
  await scheduler.stop();
  expect({ booked: booked(), log, watchers }).toEqual({
    booked: ["09:00", "10:00"],
    log: ["error nightly: cron 0 * * * * failed and will be started again: disk full"],
    watchers: [],
  });
});

test.each([1, 5])("what the store refuses %i times to book was not missed: the agent watched", async (times) => {
  const scheduler = start({ cron: "0 * * * *", missed: "skip" });
  await clock.advance(minute);
  const { book } = marks;
  let refused = 0;
  marks.book = async (...booking) => {
    if (refused++ < times) throw new AgentError("FERRY_STORAGE", "the history is locked");
    return book(...booking);
  };
  await clock.advance(hour);
  await scheduler.stop();
  expect({ booked: booked(), refused: log.length }).toEqual({ booked: ["09:00"], refused: times });
});

test("an instant is not lost while the store refuses to keep that the trigger was seen", async () => {
  await clock.set("2026-11-20T08:59:59Z");
  marks.failNext(new AgentError("FERRY_STORAGE", "the history is locked"));
  const scheduler = start({ cron: "0 * * * *", missed: "skip" });
  await clock.advance(minute);
  await scheduler.stop();
  expect(booked()).toEqual(["09:00"]);
});

test("next tells the coming instants in the job's zone", () => {
  const spec = cron.schema.parse({ cron: "30 2 * * *" });
  const next = cron.next?.(spec, {
    timezone: "Europe/Stockholm",
    from: new Date("2026-03-28T01:30:00Z"),
    until: new Date("2026-04-10T00:00:00Z"),
    count: 3,
  });
  expect(next?.map(({ at }) => at.toISOString())).toEqual([
    "2026-03-28T01:30:00.000Z",
    "2026-03-29T01:00:00.000Z",
    "2026-03-30T00:30:00.000Z",
  ]);
});

describe("the schema", () => {
  test("fills in every default", () => {
    expect(cron.schema.parse({ cron: "30 2 * * *" })).toEqual({
      cron: "30 2 * * *",
      dst: { gap: "shift", repeat: "first" },
      missed: "latest",
      missedWithin: 24 * hour,
    });
  });

  test.each([
    [
      { cron: "61 2 * * *" },
      'expected a cron pattern such as "30 2 * * *", found "61 2 * * *": Invalid value for minute: 61',
    ],
    [{ cron: "30 2 * * *", usefulUntil: "7:00" }, "expected a time of day such as 07:00"],
    [{ cron: "30 2 * * *", zone: "UTC" }, 'Unrecognized key: "zone"'],
  ])("refuses %j", (definition, message) => {
    expect(cron.schema.safeParse(definition).error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});
