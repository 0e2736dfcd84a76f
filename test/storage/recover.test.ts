import { describe, expect, test } from "vitest";
import type { DeliveryState } from "../../src/tasks/ledger.js";
import { type Bench, bench, deliveryIn, failure, newRun, running, upload, watched } from "./workbench.js";

const OPEN: readonly DeliveryState[] = ["planned", "sending", "sent", "receiving", "received", "publishing"];
const SETTLED: readonly DeliveryState[] = ["delivered", "unverified", "held", "failed", "skipped"];

/** A run that died within its task `push`, with one delivery in `state`. */
async function died(state: DeliveryState): Promise<Bench> {
  const b = bench();
  const run = await running(b, {
    trigger: "watch",
    triggerId: "watch out",
    files: [watched("/out/a.csv")],
    vars: { day: "1" },
  });
  await b.storage.recorder.record({ type: "task-started", run, task: "push", kind: "upload", attempt: 1 });
  await b.storage.recorder.record({ type: "session-opened", run, session: 1, connection: "bank" });
  await deliveryIn(b, run, state);
  await b.reopen();
  await b.clock.advance(60_000);
  return b;
}

const rows = async ({ history }: Bench) =>
  (await history.deliveries({ limit: 9 }))
    .map(({ run, state, error }) => [run, state, error?.code, error?.message])
    .toReversed();

describe("a run that is continued", () => {
  test.each(OPEN)("takes over a delivery that was %s, as it was", async (state) => {
    const b = await died(state);
    const [before] = b.sql("SELECT * FROM delivery_rows");
    await b.storage.queue.recover(() => true);
    expect(await rows(b)).toEqual([
      [1, "failed", "FERRY_INTERRUPTED", "continued by run 2"],
      [2, state, undefined, undefined],
    ]);
    const [, after] = b.sql("SELECT * FROM delivery_rows ORDER BY id");
    const { id: _, run_id: __, adopted_from: ___, ...rest } = before ?? {};
    expect(after).toMatchObject(rest);
    const ofTask = await b.storage.ledgers.of(2, "push").ofTask();
    expect(ofTask).toMatchObject([
      { runId: 2, state, temporaryPath: "/in/.a.csv.7k3q.part", source: upload("a.csv").source },
    ]);
  });

  test.each(SETTLED)("sees a delivery that was %s in the run where it ended", async (state) => {
    const b = await died(state);
    await b.storage.queue.recover(() => true);
    expect(await b.storage.ledgers.of(2, "push").ofTask()).toMatchObject([{ runId: 1, state }]);
  });

  test("copies what it stands for, says what it goes on with, and is queued once", async () => {
    const b = await died("sending");
    const found = await b.storage.queue.recover(() => true);
    expect(found).toEqual([
      { id: 1, job: "nightly", task: { id: "push", kind: "upload" }, continuations: 0, continuedBy: 2 },
    ]);
    expect(await b.storage.queue.recover(() => true)).toEqual([]);
    expect(await b.storage.queue.waiting()).toMatchObject([
      {
        id: 2,
        job: "nightly",
        trigger: "watch",
        triggerId: "watch out",
        key: "continue:1",
        attempt: 2,
        continues: 1,
        files: [watched("/out/a.csv")],
        vars: { day: "1" },
        reason: "continues run 1, which was interrupted",
      },
    ]);
    expect(await b.history.run(1)).toMatchObject({
      state: "interrupted",
      continuedBy: 2,
      durationMs: null,
      error: { code: "FERRY_INTERRUPTED", task: "push" },
    });
    expect(await b.history.tasks(1)).toMatchObject([
      { id: "push", state: "interrupted", error: { code: "FERRY_INTERRUPTED" } },
    ]);
    expect(await b.history.sessions(1)).toMatchObject([{ session: 1, closedAt: b.clock.now().toISOString() }]);
  });

  test("may die again and again: how often is counted, and what was settled stays known", async () => {
    const b = await died("delivered");
    for (const id of [2, 3]) {
      await b.storage.queue.recover(() => true);
      await b.storage.queue.start(id, "h");
      await deliveryIn(b, id, "publishing", `${id}.csv`);
    }
    const [found] = await b.storage.queue.recover(() => true);
    expect(found).toMatchObject({ id: 3, continuations: 2, continuedBy: 4 });
    const ofTask = await b.storage.ledgers.of(4, "push").ofTask();
    expect(ofTask.map((row) => [row.runId, row.localPath, row.state])).toEqual([
      [1, "/out/a.csv", "delivered"],
      [4, "/out/2.csv", "publishing"],
      [4, "/out/3.csv", "publishing"],
    ]);
  });

  test("inherits when the first began, and what the tasks gave that had ended", async () => {
    const b = bench();
    const run = await running(b);
    const begun = b.clock.now();
    const { recorder, queue } = b.storage;
    const result = { files: [], output: "done", status: 0 };
    await recorder.record({ type: "task-started", run, task: "pack", kind: "compress", attempt: 1 });
    await recorder.record({
      type: "task-finished",
      run,
      task: "pack",
      kind: "compress",
      state: "succeeded",
      attempts: 1,
      result,
    });
    await recorder.record({ type: "task-finished", run, task: "check", kind: "exec", state: "skipped", attempts: 0 });
    const ended = { state: "failed", attempts: 1, error: failure } as const;
    await recorder.record({ type: "task-finished", run, task: "pay", kind: "exec", ...ended });
    await recorder.record({ type: "task-started", run, task: "push", kind: "upload", attempt: 1 });
    await b.clock.advance(1000);
    await queue.recover(() => true);
    await queue.start(2, "h");
    await recorder.record({ type: "task-started", run: 2, task: "push", kind: "upload", attempt: 1 });
    await queue.recover(() => true);
    expect(await recorder.inheritance(1)).toBeUndefined();
    expect(await recorder.inheritance(3)).toEqual({
      firstRun: 1,
      startedAt: begun,
      tasks: new Map([
        ["pack", { state: "succeeded", result }],
        ["check", { state: "skipped", result: { files: [] } }],
        ["pay", { state: "failed", result: { files: [] }, error: failure }],
      ]),
    });
  });
});

describe("a run that is not continued", () => {
  test.each(OPEN)("leaves a delivery that was %s in doubt or failed", async (state) => {
    const b = await died(state);
    const [found] = await b.storage.queue.recover(() => false);
    expect(found?.continuedBy).toBeUndefined();
    const code = state === "publishing" ? "FERRY_HELD" : "FERRY_INTERRUPTED";
    expect(await rows(b)).toMatchObject([[1, state === "publishing" ? "held" : "failed", code, expect.any(String)]]);
    expect(await b.storage.queue.waiting()).toEqual([]);
  });

  test("closes nothing that had ended", async () => {
    const b = await died("delivered");
    await b.storage.queue.recover(() => false);
    expect(await rows(b)).toEqual([[1, "delivered", undefined, undefined]]);
  });
});

test("a run that ended, or waits, is not recovered", async () => {
  const b = bench();
  const run = await running(b);
  await b.storage.recorder.record({ type: "run-finished", run, state: "failed", error: failure });
  await b.storage.queue.enqueue(newRun());
  expect(await b.storage.queue.recover(() => true)).toEqual([]);
  expect((await b.storage.queue.waiting()).length).toBe(1);
});

test("what would be left is told while it goes on, and nothing changes by that", async () => {
  const b = await died("sending");
  await b.storage.queue.enqueue(newRun());
  const found = { id: 1, job: "nightly", task: { id: "push", kind: "upload" }, continuations: 0 };
  expect([await b.storage.queue.left(), await b.storage.queue.left()]).toEqual([[found], [found]]);
});

test("a run's end is that of its sessions, and of a task that nobody ended", async () => {
  const b = await died("failed");
  await b.storage.recorder.record({ type: "run-finished", run: 1, state: "cancelled", error: failure });
  expect(await b.history.tasks(1)).toMatchObject([{ id: "push", state: "interrupted", error: failure }]);
  expect(await b.history.sessions(1)).toMatchObject([{ session: 1, closedAt: b.clock.now().toISOString() }]);
});

test("a continuing run that is dropped leaves nothing open", async () => {
  const b = await died("publishing");
  await deliveryIn(b, 1, "sending", "b.csv");
  await b.storage.queue.recover(() => true);
  await b.storage.queue.drop(2, "cancelled", "cancelled by anna");
  expect((await rows(b)).filter(([run]) => run === 2)).toMatchObject([
    [2, "held", "FERRY_HELD", expect.any(String)],
    [2, "failed", "FERRY_CANCELLED", expect.any(String)],
  ]);
});

test("when the answer to who may continue fails, nothing has changed", async () => {
  const b = await died("sending");
  const refuse = () => {
    throw new Error("no such job");
  };
  await expect(b.storage.queue.recover(refuse)).rejects.toThrow("no such job");
  expect(await b.history.run(1)).toMatchObject({ state: "running" });
});
