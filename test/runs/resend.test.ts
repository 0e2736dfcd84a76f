import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Bench, bench, deliveryIn, failure, running } from "../storage/workbench.js";
import { type Deed, executor, job, perform, sending, states, task } from "./stage.js";

/** Run 1 left c.csv in doubt, and a person wants it sent again by run 2. */
async function resending(): Promise<{
  readonly b: Bench;
  readonly done: string[];
  readonly deeds: Record<string, Deed>;
}> {
  const b = bench();
  const run = await running(b);
  const { id } = await deliveryIn(b, run, "held", "c.csv");
  await deliveryIn(b, run, "failed", "b.csv");
  const about = { run, task: "push", kind: "upload" } as const;
  await b.storage.recorder.record({ type: "task-finished", ...about, state: "failed", attempts: 1, error: failure });
  await b.storage.recorder.record({ type: "run-finished", run, state: "failed", error: failure });
  await b.storage.ledgers.resolveResend(id, "they lost it");
  const done: string[] = [];
  const other: Deed = ({ task: id }) => {
    done.push(id);
    return { files: [] };
  };
  return { b, done, deeds: { upload: sending(done), other } };
}

const other = (id: string) => task(id, { kind: "other" });
const push = task("push", { kind: "upload" });

test.each([
  ["a task", { tasks: [other("before"), push, other("after")] }],
  ["a task of onFailure", { tasks: [other("main")], onFailure: [other("tell"), push] }],
])("a run that sends again what %s held does that task, and none that stands before or follows", async (_, tasks) => {
  const { b, done, deeds } = await resending();
  await perform(b, executor(b, deeds), job({ onSuccess: [other("success")], onFinish: [other("finish")], ...tasks }));
  expect({ done, runs: states(b, "run_rows"), deliveries: states(b, "delivery_rows").at(-1) }).toEqual({
    done: ["/out/c.csv"],
    runs: ["failed FERRY_CONNECTION_LOST", "succeeded"],
    deliveries: "delivered",
  });
});

test("where the task is gone, nothing is done, the run says so, and the delivery is held again", async () => {
  const { b, done, deeds } = await resending();
  await perform(b, executor(b, deeds), job({ tasks: [other("pay"), task("send", { kind: "upload" })] }));
  expect({ done, run: await b.history.run(2), delivery: states(b, "delivery_rows").at(-1) }).toMatchObject({
    done: [],
    run: { state: "failed", error: { code: "FERRY_DEFINITION", message: expect.stringContaining("no task push") } },
    delivery: "held FERRY_HELD",
  });
  const held = await b.storage.ledgers.held(2, "c.csv");
  await b.storage.ledgers.resolveResend(held!.id, "the task is back");
  await perform(b, executor(b, deeds), job({ tasks: [push] }));
  expect({ done, delivery: states(b, "delivery_rows").at(-1) }).toEqual({
    done: ["/out/c.csv"],
    delivery: "delivered",
  });
});

test("a delivery that could not be sent again is held as before, so that it can be tried once more", async () => {
  const { b } = await resending();
  const upload: Deed = async ({ session }) => {
    await session("bank");
    return { files: [] };
  };
  await perform(b, executor(b, { upload }), job({ tasks: [push] }));
  expect([states(b, "run_rows").at(-1), states(b, "delivery_rows").at(-1)]).toEqual([
    "failed FERRY_CONNECT_REFUSED",
    "held FERRY_HELD",
  ]);
});

test("a run that sends again and died after its task goes on without sending once more", async () => {
  const { b, done, deeds } = await resending();
  await b.storage.queue.start(2, "hash");
  const about = { run: 2, task: "push", kind: "upload" } as const;
  await b.storage.recorder.record({ type: "task-finished", ...about, state: "succeeded", attempts: 1 });
  const [row] = await b.storage.ledgers.of(2, "push").ofTask();
  for (const state of ["sending", "sent", "delivered"] as const)
    await b.storage.ledgers.of(2, "push").advance(row!.id, { state });
  await b.storage.queue.recover(() => true);
  await perform(b, executor(b, deeds), job({ tasks: [push] }));
  expect({ done, run: states(b, "run_rows").at(-1) }).toEqual({ done: [], run: "succeeded" });
});

test("a run that puts away the source of what a person called delivered finds it as it is, and has no other", async () => {
  const b = bench();
  const run = await running(b);
  const { id } = await deliveryIn(b, run, "held", "c.csv");
  await deliveryIn(b, run, "failed", "b.csv");
  await b.storage.recorder.record({ type: "run-finished", run, state: "failed", error: failure });
  const puttingAway = await b.storage.ledgers.resolvePutAway(id, "they have it");
  await expect(b.storage.ledgers.resolvePutAway(id, "twice")).rejects.toMatchObject({ code: "FERRY_NOT_FOUND" });
  const found: unknown[] = [];
  const upload: Deed = async ({ ledger, resend }) => {
    const rows = await ledger.ofTask();
    found.push(resend, ...rows.map(({ runId, localPath, state }) => `${runId} ${localPath} ${state}`));
    await ledger.disposed(rows[0]!.id, "/sent/c.csv");
    return { files: [] };
  };
  await perform(b, executor(b, { upload }), job({ tasks: [other("before"), push, other("after")] }));
  expect({
    puttingAway,
    found,
    runs: states(b, "run_rows"),
    rows: b.sql("SELECT run_id, state, disposed_to FROM delivery_rows"),
  }).toEqual({
    puttingAway: 2,
    found: [true, "1 /out/c.csv delivered"],
    runs: ["failed FERRY_CONNECTION_LOST", "succeeded"],
    rows: [
      { run_id: 1, state: "delivered", disposed_to: "/sent/c.csv" },
      { run_id: 1, state: "failed", disposed_to: null },
    ],
  });
});

test("the work folder stays: another delivery that is held may need what lies in it", async () => {
  const { b, deeds } = await resending();
  const made = executor(b, deeds);
  mkdirSync(join(made.workRoot, "1"));
  await perform(b, made, job({ tasks: [push] }));
  expect([states(b, "run_rows").at(-1), existsSync(join(made.workRoot, "1"))]).toEqual(["succeeded", true]);
});
