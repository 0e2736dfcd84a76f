import { expect, test } from "vitest";
import type { QueuedRun, RunQueue } from "../../src/runs/ports.js";
import { createWorker } from "../../src/runs/worker.js";
import { newRun } from "../storage/workbench.js";
import { createFakeClock } from "../support/fake-clock.js";
import { job } from "./stage.js";

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** Lets everything go on that waits for nothing but promises. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const RUN: QueuedRun = { ...newRun(), id: 1, queuedAt: new Date("2026-11-20T02:30:00Z"), reason: undefined };

function working(queue: Pick<RunQueue, "waiting" | "start">) {
  const done: string[] = [];
  const worker = createWorker({
    ...{ queue: queue as RunQueue, clock: createFakeClock("2026-11-20T02:30:00Z"), concurrency: 1 },
    ...{ job: () => job(), mine: () => true, log: () => {} },
    execute: async () => void done.push("performed"),
  });
  return { worker, done };
}

test("no run begins once the worker is told to end, even if it was looking", async () => {
  const looking = gate();
  const started: number[] = [];
  const { worker, done } = working({
    async waiting() {
      await looking.opened;
      return [RUN];
    },
    async start(id) {
      started.push(id);
      return true;
    },
  });
  worker.wake();
  const drained = worker.drain().then(() => done.push("drained"));
  looking.open();
  await drained;
  expect({ started, done }).toEqual({ started: [], done: ["drained"] });
});

test("a run that the worker was taking when it was told to end is waited for", async () => {
  const starting = gate();
  const { worker, done } = working({
    waiting: async () => [RUN],
    async start() {
      await starting.opened;
      return true;
    },
  });
  worker.wake();
  await turn();
  const drained = worker.drain().then(() => done.push("drained"));
  await turn();
  starting.open();
  await drained;
  expect(done).toEqual(["performed", "drained"]);
});

test.each(Array.from({ length: 12 }, (_, later) => later))(
  "a run that comes while a look is ending is not overlooked: %i steps later",
  async (later) => {
    const waiting: QueuedRun[] = [];
    const { worker, done } = working({ waiting: async () => waiting.splice(0), start: async () => true });
    worker.wake();
    for (let step = 0; step < later; step++) await undefined;
    waiting.push(RUN);
    worker.wake();
    await turn();
    expect(done).toEqual(["performed"]);
  },
);
