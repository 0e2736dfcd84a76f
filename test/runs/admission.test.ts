import { expect, test } from "vitest";
import type { Job } from "../../src/jobs/job.js";
import { admit, type Situation } from "../../src/runs/admission.js";
import type { QueuedRun } from "../../src/runs/ports.js";

const FILE = {
  path: "/out/a.csv",
  folder: "",
  version: { size: 1, mtimeNs: "1", ctimeNs: "1", ino: "1", dev: "1" },
};
const NOW = new Date("2026-11-20T02:30:05.000Z");

test("a run starts when nothing is in its way", () => {
  expect(admit(run(7), job(), situation())).toEqual({ do: "start" });
});

test("queue: a run waits for the one that runs, and behind an older one that waits", () => {
  expect(admit(run(7), job(), situation({ running: [{ id: 6, job: "nightly", locks: [], hasFiles: false }] }))).toEqual(
    {
      do: "wait",
      for: "run 6",
    },
  );
  expect(
    admit(run(8, { triggerId: "watch outbox", trigger: "watch", files: [] }), job(), situation({ waiting: [run(7)] })),
  ).toEqual({ do: "wait", for: "run 7" });
});

test("queue: a further firing of a clock's trigger is coalesced with the one that waits", () => {
  expect(admit(run(8), job(), situation({ waiting: [run(7)] }))).toEqual({
    do: "skip",
    reason: "coalesced: run 7 of the same trigger is still waiting",
  });
});

test("queue: firings that were missed and are to run all are not coalesced", () => {
  const missed = run(8, { scheduledAt: new Date("2026-11-19T02:30:00.000Z") });
  expect(admit(missed, job(), situation({ waiting: [run(7)] }))).toEqual({ do: "wait", for: "run 7" });
});

test("skip: a firing during a run is skipped with the reason", () => {
  const now = situation({ running: [{ id: 6, job: "nightly", locks: [], hasFiles: false }] });
  expect(admit(run(7), job({ overlap: "skip" }), now)).toEqual({
    do: "skip",
    reason: "overlap: run 6 is still running",
  });
});

test("parallel: a firing does not care", () => {
  const now = situation({ running: [{ id: 6, job: "nightly", locks: [], hasFiles: false }] });
  expect(admit(run(7), job({ overlap: "parallel" }), now)).toEqual({ do: "start" });
});

test("replace: the running run is to be ended", () => {
  const now = situation({ running: [{ id: 6, job: "nightly", locks: [], hasFiles: false }] });
  expect(admit(run(7), job({ overlap: "replace" }), now)).toEqual({ do: "replace", runs: [6] });
});

test.each(["skip", "replace"] as const)("%s: a run with files waits, for they would be lost", (overlap) => {
  const now = situation({ running: [{ id: 6, job: "nightly", locks: [], hasFiles: false }] });
  const watching = { trigger: "watch", triggerId: "watch outbox", files: [FILE] };
  expect(admit(run(7, watching), job({ overlap }), now)).toEqual({ do: "wait", for: "run 6" });
  expect(admit(run(7, { ...watching, files: [] }), job({ overlap }), now).do).toBe(overlap);
});

test("replace: a run with files is not replaced, for they would be lost", () => {
  const now = situation({ running: [{ id: 6, job: "nightly", locks: [], hasFiles: true }] });
  expect(admit(run(7), job({ overlap: "replace" }), now)).toEqual({ do: "wait", for: "run 6" });
});

test("runs that share a lock never overlap, also of different jobs", () => {
  const now = situation({ running: [{ id: 6, job: "statements", locks: ["bank"], hasFiles: false }] });
  expect(admit(run(7), job({ locks: ["bank"] }), now)).toEqual({ do: "wait", for: "a lock that run 6 holds" });
  expect(admit(run(7), job({ locks: ["other"] }), now)).toEqual({ do: "start" });
});

test("no more runs at once than `concurrency`", () => {
  const running = [1, 2].map((id) => ({ id, job: `other-${id}`, locks: [], hasFiles: false }));
  expect(admit(run(7), job(), situation({ running, concurrency: 2 })).do).toBe("wait");
  expect(admit(run(7), job(), situation({ running, concurrency: 3 })).do).toBe("start");
});

test("what was useful until seven is not started at eight", () => {
  const late = run(7, { usefulUntil: new Date("2026-11-20T02:30:00.000Z") });
  expect(admit(late, job(), situation())).toEqual({
    do: "skip",
    reason: "late: it was useful until 2026-11-20T02:30:00.000Z",
  });
});

function run(id: number, change: Partial<QueuedRun> = {}): QueuedRun {
  const at = new Date("2026-11-20T02:30:00.000Z");
  const none = { files: undefined, usefulUntil: undefined, continues: undefined, resend: undefined, reason: undefined };
  return {
    id,
    job: "nightly",
    trigger: "cron",
    triggerId: "cron 30 2 * * *",
    key: String(id),
    scheduledAt: at,
    queuedAt: at,
    vars: {},
    attempt: 1,
    ...none,
    ...change,
  };
}

function job(change: Partial<Job> = {}): Job {
  const lists = { triggers: [], tasks: [], onFailure: [], onSuccess: [], onFinish: [], locks: [], vars: {} };
  const rest = {
    file: "",
    description: undefined,
    group: undefined,
    enabled: true,
    timezone: "UTC",
    timeoutMs: 1,
    hash: "",
  };
  return { name: "nightly", overlap: "queue", ...lists, ...rest, ...change };
}

function situation(change: Partial<Situation> = {}): Situation {
  return { now: NOW, concurrency: 8, running: [], waiting: [], ...change };
}
