import { beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { type JobWatcherStatus, type Scheduler, startScheduler } from "../../src/scheduler/scheduler.js";
import { defineTrigger, type ScheduledJob } from "../../src/scheduler/trigger.js";
import { createFakeClock, type FakeClock } from "../support/fake-clock.js";
import { createMemoryMarks, type MemoryMarks } from "../support/memory-marks.js";

let clock: FakeClock;
let marks: MemoryMarks;
let events: string[];
let statuses: JobWatcherStatus[];

beforeEach(() => {
  clock = createFakeClock("2026-11-20T08:00:00Z");
  marks = createMemoryMarks();
  events = [];
  statuses = [];
});

/** Fires once and waits. */
const calm = defineTrigger({
  type: "calm",
  description: "",
  schema: z.strictObject({ calm: z.string(), every: z.number().default(1) }),
  identity: (spec) => `calm ${spec.calm}`,
  async watch(spec, { job, clock: time, signal, book }) {
    events.push(`start ${job} ${spec.calm}`);
    await book([{ key: spec.calm, dueAt: time.now() }], {});
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    events.push(`stop ${job} ${spec.calm}`);
  },
});

const broken = defineTrigger({
  type: "broken",
  description: "",
  schema: z.strictObject({ broken: z.string() }),
  identity: (spec) => `broken ${spec.broken}`,
  watch({ broken: how }) {
    events.push(`try at ${clock.monotonic() / 1000}`);
    if (how === "ends") return Promise.resolve();
    throw new Error("no luck");
  },
});

function job(name: string, ...triggers: readonly (readonly [kind: string, spec: unknown])[]): ScheduledJob {
  return { name, timezone: "UTC", triggers: triggers.map(([kind, spec]) => ({ kind, spec })) };
}

function start(...jobs: ScheduledJob[]): Scheduler {
  return startScheduler({
    ...{ jobs, clock, marks, kinds: [calm, broken], workspace: "/nowhere", book: marks.book, render: async () => "" },
    onStatus: (status) => statuses.push(status),
    log: (level, message) => events.push(`${level} ${message}`),
  });
}

test("a trigger that fails is started again, less and less often, and others do not notice", async () => {
  const scheduler = start(job("bad", ["broken", { broken: "throws" }]), job("good", ["calm", { calm: "a" }]));
  await clock.advance(20_000);
  const watchers = scheduler.watchers();
  await scheduler.stop();
  const failure = "error bad: broken throws failed and will be started again: no luck";
  expect({
    events,
    watchers,
    runs: marks.runs.map((run) => `${run.job} ${run.kind} ${run.trigger} ${run.key}`),
  }).toEqual({
    events: [
      "try at 0",
      "start good a",
      failure,
      "try at 1",
      failure,
      "try at 3",
      failure,
      "try at 7",
      failure,
      "try at 15",
      failure,
      "stop good a",
    ],
    watchers: [{ job: "bad", path: "broken throws", state: "error", pending: 0, error: "no luck" }],
    runs: ["good calm calm a a"],
  });
});

test("a trigger that ends by itself counts as failed", async () => {
  const scheduler = start(job("bad", ["broken", { broken: "ends" }]));
  await clock.advance(0);
  await scheduler.stop();
  expect(events).toEqual(["try at 0", "error bad: broken ends failed and will be started again: it ended by itself"]);
});

test("after a reload only what changed is stopped and started", async () => {
  const scheduler = start(
    job("a", ["calm", { calm: "stays", every: 1 }], ["calm", { calm: "changes", every: 1 }]),
    job("b", ["calm", { calm: "goes" }]),
  );
  await clock.advance(0);
  events = [];
  await scheduler.reload([
    job("a", ["calm", { calm: "changes", every: 2 }], ["calm", { calm: "stays", every: 1 }]),
    job("c", ["calm", { calm: "new" }]),
  ]);
  await clock.advance(0);
  const reloaded = events;
  events = [];
  await scheduler.stop();
  expect([reloaded, events.toSorted()]).toEqual([
    ["stop a changes", "stop b goes", "start a changes", "start c new"],
    ["stop a changes", "stop a stays", "stop c new"],
  ]);
});

test("a job in another time zone is another one", async () => {
  const scheduler = start(job("a", ["calm", { calm: "x" }]));
  await clock.advance(0);
  await scheduler.reload([{ ...job("a", ["calm", { calm: "x" }]), timezone: "Europe/London" }]);
  await scheduler.stop();
  expect(events).toEqual(["start a x", "stop a x", "start a x", "stop a x"]);
});

test("reloads that overlap come one after the other, and a stop ends them", async () => {
  const scheduler = start(job("a", ["calm", { calm: "x" }]));
  await clock.advance(0);
  await Promise.all([scheduler.reload([]), scheduler.reload([job("a", ["calm", { calm: "x" }])]), scheduler.stop()]);
  const ended = [...events];
  await scheduler.reload([job("late", ["calm", { calm: "x" }])]);
  expect([ended, events, clock.waiting()]).toEqual([["start a x", "stop a x"], ["start a x", "stop a x"], 0]);
});

test("the same trigger twice in a job runs once, and it is said", async () => {
  const scheduler = start(
    job("a", ["calm", { calm: "x" }], ["calm", { calm: "x", every: 2 }]),
    job("b", ["calm", { calm: "x" }]),
  );
  await clock.advance(0);
  await scheduler.stop();
  expect(events.filter((event) => !event.startsWith("stop"))).toEqual([
    "error a: the trigger calm x stands there twice, only the first is in force",
    "start a x",
    "start b x",
  ]);
});
