import { expect, test } from "vitest";
import type { Closing, RunEvent } from "../../src/runs/ports.js";
import { isOpen, mayFollow } from "../../src/tasks/delivery-states.js";
import type { DeliveryState } from "../../src/tasks/ledger.js";
import { type Bench, bench, deliveryIn, failure, newRun, running, SECRET, upload } from "./workbench.js";

const STATES: readonly DeliveryState[] = [
  "planned",
  "sending",
  "sent",
  "receiving",
  "received",
  "publishing",
  "delivered",
  "unverified",
  "held",
  "failed",
  "skipped",
];

test("what ended stays as it ended", () => {
  const followers = STATES.map((from) => [from, STATES.filter((to) => mayFollow(from, to))]);
  expect(Object.fromEntries(followers)).toMatchObject({
    delivered: [],
    unverified: [],
    skipped: [],
    failed: ["planned"],
    held: ["delivered", "failed"],
  });
  expect(STATES.filter(isOpen)).toEqual(["planned", "sending", "sent", "receiving", "received", "publishing"]);
});

test("the ledger takes exactly the steps that the states allow", async () => {
  const b = bench();
  const run = await running(b);
  const ledger = b.storage.ledgers.of(run, "push");
  const wrong: string[] = [];
  for (const from of STATES) {
    for (const to of STATES) {
      const { id } = await deliveryIn(b, run, from, `${from}-${to}`);
      const taken = await ledger.advance(id, { state: to }).then(
        (row) => row.state === to,
        () => false,
      );
      if (taken !== mayFollow(from, to)) wrong.push(`${from} → ${to}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("a delivery is told with all that became known on its way, after a restart too", async () => {
  const b = bench();
  const run = await running(b);
  const planned = await b.storage.ledgers.of(run, "push").plan(upload("a.csv"));
  expect(planned).toMatchObject({
    ...upload("a.csv"),
    runId: run,
    task: "push",
    state: "planned",
    bytes: undefined,
    error: undefined,
  });
  const step = async (change: Parameters<ReturnType<typeof b.storage.ledgers.of>["advance"]>[1]) => {
    await b.clock.advance(500);
    return b.storage.ledgers.of(run, "push").advance(planned.id, change);
  };
  await step({ state: "sending", remotePath: "/in/a-2.csv", temporaryPath: "/in/.a-2.part" });
  await step({ state: "sent", bytes: 10, sha256: "ab12", verifiedBy: "size", reply: "226 done" });
  await b.reopen();
  await step({ state: "publishing" });
  const done = await step({ state: "delivered", reply: "250 renamed" });
  await b.storage.ledgers.of(run, "push").disposed(planned.id, "/out/sent/a.csv");
  expect(done).toMatchObject({
    state: "delivered",
    bytes: 10,
    sha256: "ab12",
    verifiedBy: "size",
    reply: "250 renamed",
    deliveredAt: b.clock.now(),
  });
  expect(await b.storage.ledgers.of(run, "push").ofTask()).toEqual([{ ...done, disposedAt: b.clock.now() }]);
  expect(await b.history.transfers(run)).toMatchObject([
    {
      task: "push",
      remotePath: "/in/a-2.csv",
      startedAt: "2026-11-20T02:30:00.500Z",
      durationMs: 1500,
      reply: "250 renamed",
      error: null,
    },
  ]);
  expect(b.sql("SELECT state, at FROM delivery_states").map((row) => row.state)).toEqual([
    "planned",
    "sending",
    "sent",
    "publishing",
    "delivered",
  ]);
  expect(await b.history.run(run)).toMatchObject({ files: 1, bytes: 10 });
});

test("a retry forgets what the failed try found out", async () => {
  const b = bench();
  const run = await running(b);
  const ledger = b.storage.ledgers.of(run, "push");
  const { id } = await deliveryIn(b, run, "sent");
  const failed = await ledger.advance(id, { state: "failed", error: failure, reply: "550 no" });
  expect(failed).toMatchObject({ error: failure, bytes: 10, reply: "550 no" });
  const again = await ledger.advance(id, { state: "planned" });
  expect(again).toMatchObject({
    error: undefined,
    bytes: undefined,
    sha256: undefined,
    verifiedBy: undefined,
    reply: undefined,
  });
});

test("a source is not put away before its delivery", async () => {
  const b = bench();
  const run = await running(b);
  for (const state of STATES.filter((one) => one !== "delivered" && one !== "unverified")) {
    const { id } = await deliveryIn(b, run, state, state);
    await expect(b.storage.ledgers.of(run, "push").disposed(id, undefined)).rejects.toThrow("must not be disposed of");
  }
});

test("a source that could not be put away shows with its delivery until it could", async () => {
  const b = bench();
  const run = await running(b);
  const { id } = await deliveryIn(b, run, "delivered");
  const error = { ...failure, code: "FERRY_DISPOSAL_FAILED" as const };
  await b.storage.ledgers.of(run, "push").advance(id, { state: "delivered", error });
  const shown = async () => (await b.history.transfers(run)).map((row) => [row.state, row.error?.code]);
  expect(await shown()).toEqual([["delivered", "FERRY_DISPOSAL_FAILED"]]);
  await b.storage.ledgers.of(run, "push").disposed(id, undefined);
  expect(await shown()).toEqual([["delivered", undefined]]);
});

/** Ends a run or a task, and gives what its end was told. */
async function ended({ storage }: Bench, closing: Closing) {
  const { run, task, error } = closing;
  let seen: Record<string, unknown> = {};
  await storage.recorder.recordEnd(closing, (closed, summary): RunEvent => {
    seen = { closed, summary };
    if (task === undefined) return { type: "run-finished", run, state: "failed", error };
    return { type: "task-finished", run, task, kind: "upload", state: "failed", attempts: 1, error };
  });
  return seen;
}

test("a run's end closes what is open, and the summary counts how all ended", async () => {
  const b = bench();
  const run = await running(b);
  for (const state of STATES) await deliveryIn(b, run, state, state);
  const seen = await ended(b, { run, error: failure });
  expect(seen.summary).toEqual({
    delivered: 1,
    bytes: 10,
    unverified: 1,
    held: 2,
    failed: 6,
    skipped: 1,
    undisposed: 0,
  });
  const [doubt] = await b.history.deliveries({ limit: 9, glob: "publishing" });
  expect(doubt).toMatchObject({ state: "held", error: { code: "FERRY_HELD", cause: "lost the connection" } });
});

test("a task's end closes what that task left open, and nothing else", async () => {
  const b = bench();
  const run = await running(b);
  await deliveryIn(b, run, "publishing", "a.csv");
  await deliveryIn(b, run, "sending", "b.csv");
  const seen = [
    await ended(b, { run, task: "fetch", error: failure }),
    await ended(b, { run, task: "push", error: failure }),
    await ended(b, { run, error: failure }),
  ];
  expect(seen.map(({ closed }) => closed)).toEqual([
    { held: 0, failed: 0 },
    { held: 1, failed: 1 },
    { held: 0, failed: 0 },
  ]);
});

test("what a person wants sent again is held again when its run ends without having sent it", async () => {
  const b = bench();
  const run = await running(b);
  const { id } = await deliveryIn(b, run, "held");
  await b.storage.recorder.record({ type: "run-finished", run, state: "failed", error: failure });
  const again = await b.storage.ledgers.resolveResend(id, "they lost it");
  await b.storage.queue.drop(again, "cancelled", "cancelled by anna");
  expect(await b.history.deliveries({ limit: 9, run: again })).toMatchObject([
    { state: "held", error: { code: "FERRY_HELD", message: expect.stringContaining("not sent again") } },
  ]);
});

test("another run's open delivery is not touched", async () => {
  const b = bench();
  const one = await running(b);
  const other = await running(b);
  const { id } = await deliveryIn(b, one, "sending");
  await expect(b.storage.ledgers.of(other, "push").advance(id, { state: "sent" })).rejects.toThrow("belongs to run 1");
});

test("a held delivery is found by its paths and by its base name, in its run only", async () => {
  const b = bench();
  const run = await running(b);
  const { id } = await deliveryIn(b, run, "held", "a.csv");
  await deliveryIn(b, run, "delivered", "b.csv");
  const { ledgers } = b.storage;
  const found = await Promise.all(["a.csv", "/in/a.csv", "/out/a.csv"].map((file) => ledgers.held(run, file)));
  expect(found).toEqual(Array(3).fill({ id, run, task: "push" }));
  expect(
    await Promise.all([ledgers.held(run, "b.csv"), ledgers.held(run + 1, "a.csv"), ledgers.held(run, "csv")]),
  ).toEqual([undefined, undefined, undefined]);
});

test("a person's word that a held delivery arrived makes it delivered, with an entry in the audit", async () => {
  const b = bench();
  const run = await running(b);
  const { id } = await deliveryIn(b, run, "held");
  await b.storage.recorder.record({ type: "run-finished", run, state: "failed", error: failure });
  await b.clock.advance(3_600_000);
  await b.storage.ledgers.resolveDelivered(id, `the partner has it, ${SECRET}`);
  expect(await b.history.deliveries({ limit: 9 })).toMatchObject([
    { state: "delivered", deliveredAt: b.clock.now().toISOString(), error: null },
  ]);
  expect(b.sql("SELECT action, subject, detail FROM audit")).toEqual([
    { action: "resolved", subject: "run 1: /in/a.csv", detail: "as delivered: the partner has it, ********" },
  ]);
  await expect(b.storage.ledgers.resolveDelivered(id, "again")).rejects.toMatchObject({ code: "FERRY_NOT_FOUND" });
});

test("a person's wish to send it again queues a run that does that and nothing else", async () => {
  const b = bench();
  const run = await running(b, { vars: { day: "1" } });
  const { id } = await deliveryIn(b, run, "held");
  await deliveryIn(b, run, "failed", "b.csv");
  await b.storage.recorder.record({ type: "run-finished", run, state: "failed", error: failure });
  const again = await b.storage.ledgers.resolveResend(id, "they lost it");
  await expect(b.storage.ledgers.resolveResend(id, "twice")).rejects.toMatchObject({ code: "FERRY_NOT_FOUND" });
  expect(await b.storage.queue.waiting()).toMatchObject([
    { id: again, job: "nightly", trigger: "manual", attempt: 2, continues: run, resend: id, vars: { day: "1" } },
  ]);
  expect(await b.storage.ledgers.of(again, "push").ofTask()).toMatchObject([
    { runId: again, localPath: "/out/a.csv", state: "planned", bytes: undefined, source: upload("a.csv").source },
  ]);
  expect(await b.history.deliveries({ limit: 9, run })).toMatchObject([
    { state: "failed" },
    { state: "failed", error: { code: "FERRY_HELD" } },
  ]);
});

test("a run that sends again and dies goes on with the same one delivery", async () => {
  const b = bench();
  const run = await running(b);
  const { id } = await deliveryIn(b, run, "held");
  await deliveryIn(b, run, "failed", "b.csv");
  await b.storage.recorder.record({ type: "run-finished", run, state: "failed", error: failure });
  const again = await b.storage.ledgers.resolveResend(id, "they lost it");
  await b.storage.queue.start(again, "h");
  const [row] = await b.storage.ledgers.of(again, "push").ofTask();
  await b.storage.ledgers.of(again, "push").advance(row!.id, { state: "sending" });
  await b.storage.queue.recover(() => true);
  expect(await b.storage.queue.waiting()).toMatchObject([{ id: 3, continues: again, resend: id }]);
  expect(await b.storage.ledgers.of(3, "push").ofTask()).toMatchObject([
    { runId: 3, localPath: "/out/a.csv", state: "sending" },
  ]);
});

test("a rerun sees what a person's resend delivered meanwhile", async () => {
  const b = bench();
  const run = await running(b);
  const { id } = await deliveryIn(b, run, "held");
  await b.storage.recorder.record({ type: "run-finished", run, state: "failed", error: failure });
  const again = await b.storage.ledgers.resolveResend(id, "they lost it");
  const ledger = b.storage.ledgers.of(again, "push");
  const [row] = await ledger.ofTask();
  const rerun = await b.storage.queue.enqueue(newRun({ continues: run, attempt: 2 }));
  const seen = async () => (await b.storage.ledgers.of(rerun!, "push").ofTask()).map((one) => [one.runId, one.state]);
  expect(await seen()).toEqual([[run, "failed"]]);
  for (const state of ["sending", "sent", "publishing", "delivered"] as const) await ledger.advance(row!.id, { state });
  expect(await seen()).toEqual([[again, "delivered"]]);
});
