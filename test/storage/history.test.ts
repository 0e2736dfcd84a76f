import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DeliveryFilter, RunFilter } from "../../src/runs/history.js";
import { openHistory } from "../../src/storage/sqlite/history.js";
import { bench, deliveryIn, failure, newRun, running } from "./workbench.js";

test("without a history there is nothing, until there is one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ferry-none-"));
  const history = openHistory(join(folder, ".ferry", "history.db"));
  const told = [
    await history.runs({ limit: 9 }),
    await history.run(1),
    await history.lines({ run: 1 }),
    await history.deliveries({ limit: 9 }),
  ];
  expect(told).toEqual([[], undefined, [], []]);
  expect(await history.lastRuns()).toEqual(new Map());
  const b = bench(folder);
  await b.storage.queue.enqueue(newRun());
  expect((await history.runs({ limit: 9 })).length).toBe(1);
  history.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a run is told in full", async () => {
  const b = bench();
  const run = await running(b, { scheduledAt: new Date("2026-11-20T02:00:00.000Z"), trigger: "cron", attempt: 2 });
  const { recorder } = b.storage;
  await recorder.record({ type: "task-started", run, task: "push", kind: "upload", attempt: 1 });
  await recorder.record({ type: "session-opened", run, session: 1, connection: "bank" });
  await deliveryIn(b, run, "failed");
  await b.clock.advance(1500);
  const facts = {
    address: "1.2.3.4:21",
    tlsVersion: "TLSv1.3",
    cipher: "AES",
    resumed: true,
    certificateSha256: "9f",
    hostKeySha256: undefined,
    features: ["MLST"],
  };
  await recorder.record({ type: "session-closed", run, session: 1, facts });
  await recorder.record({ type: "task-started", run, task: "push", kind: "upload", attempt: 2 });
  await recorder.record({
    type: "task-finished",
    run,
    task: "push",
    kind: "upload",
    state: "failed",
    attempts: 2,
    error: failure,
  });
  await recorder.record({ type: "run-finished", run, state: "failed", error: failure, errorTask: "push", late: true });
  const error = {
    code: failure.code,
    message: failure.message,
    cause: failure.cause,
    hint: failure.hint,
    task: "push",
  };
  const at = "2026-11-20T02:30:00.000Z";
  expect(await b.history.run(run)).toEqual({
    id: 1,
    job: "nightly",
    state: "failed",
    trigger: "cron",
    scheduledAt: "2026-11-20T02:00:00.000Z",
    startedAt: at,
    finishedAt: "2026-11-20T02:30:01.500Z",
    durationMs: 1500,
    attempt: 2,
    files: 0,
    bytes: 0,
    late: true,
    reason: null,
    error,
    continues: null,
    continuedBy: null,
  });
  expect(await b.history.tasks(run)).toEqual([
    { id: "push", kind: "upload", state: "failed", attempts: 2, startedAt: at, durationMs: 1500, error },
  ]);
  expect(await b.history.sessions(run)).toEqual([
    {
      session: 1,
      connection: "bank",
      address: "1.2.3.4:21",
      tlsVersion: "TLSv1.3",
      cipher: "AES",
      resumed: true,
      certificateSha256: "9f",
      hostKeySha256: null,
      openedAt: at,
      closedAt: "2026-11-20T02:30:01.500Z",
    },
  ]);
  expect(await b.history.transfers(run)).toEqual([
    {
      task: "push",
      connection: "bank",
      direction: "upload",
      localPath: "/out/a.csv",
      remotePath: "/in/a.csv",
      temporaryPath: "/in/.a.csv.7k3q.part",
      bytes: null,
      sha256: null,
      state: "failed",
      startedAt: at,
      durationMs: 0,
      resumedFrom: null,
      verifiedBy: null,
      reply: null,
      error,
    },
  ]);
});

test("runs are found by job, state, time and trigger, newest first", async () => {
  const b = bench();
  await running(b, { job: "a" });
  await b.storage.queue.enqueue(newRun({ job: "b", scheduledAt: new Date("2026-11-19T00:00:00.000Z") }));
  await b.clock.advance(3_600_000);
  await running(b, { job: "a", trigger: "cron" });
  const ids = async (filter: Partial<RunFilter>) => (await b.history.runs({ limit: 9, ...filter })).map(({ id }) => id);
  expect({
    all: await ids({}),
    limited: await ids({ limit: 2 }),
    job: await ids({ job: "a" }),
    states: await ids({ states: ["queued", "failed"] }),
    trigger: await ids({ trigger: "cron" }),
    since: await ids({ since: new Date("2026-11-20T02:30:00.000Z") }),
    until: await ids({ until: new Date("2026-11-20T03:30:00.000Z") }),
    both: await ids({ job: "a", since: new Date("2026-11-20T03:00:00.000Z") }),
  }).toEqual({
    all: [3, 2, 1],
    limited: [3, 2],
    job: [3, 1],
    states: [2],
    trigger: [3],
    since: [3, 1],
    until: [2, 1],
    both: [3],
  });
  expect([...(await b.history.lastRuns())].map(([job, run]) => [job, run.id]).toSorted()).toEqual([
    ["a", 3],
    ["b", 2],
  ]);
});

test("deliveries are found by glob, connection, time, state, checksum and run", async () => {
  const b = bench();
  const run = await running(b);
  for (const name of ["ledger_1.csv", "ledger_2.csv", "sub/deep.txt"]) await deliveryIn(b, run, "delivered", name);
  await b.clock.advance(3_600_000);
  const other = await running(b);
  await deliveryIn(b, other, "failed", "x{1}.csv");
  const names = async (filter: Partial<DeliveryFilter>) =>
    (await b.history.deliveries({ limit: 9, ...filter })).map(({ localPath }) => localPath.slice("/out/".length));
  expect({
    star: await names({ glob: "*.csv" }),
    name: await names({ glob: "ledger_1.csv" }),
    path: await names({ glob: "/out/ledger_1.csv" }),
    remote: await names({ glob: "/in/ledger*" }),
    tail: await names({ glob: "sub/*" }),
    deep: await names({ glob: "**/deep.txt" }),
    base: await names({ glob: "deep.*" }),
    choice: await names({ glob: "ledger_{1,2}.csv" }),
    set: await names({ glob: "ledger_[1].csv" }),
    odd: await names({ glob: "x{1}.csv" }),
    none: await names({ glob: "nothing*" }),
    since: await names({ since: new Date("2026-11-20T03:00:00.000Z") }),
    state: await names({ states: ["failed"] }),
    sha: await names({ sha256: "ab12", limit: 1 }),
    run: await names({ run: other }),
    connection: await names({ connection: "other" }),
  }).toEqual({
    star: ["x{1}.csv", "ledger_2.csv", "ledger_1.csv"],
    name: ["ledger_1.csv"],
    path: ["ledger_1.csv"],
    remote: ["ledger_2.csv", "ledger_1.csv"],
    tail: ["sub/deep.txt"],
    deep: ["sub/deep.txt"],
    base: ["sub/deep.txt"],
    choice: ["ledger_2.csv", "ledger_1.csv"],
    set: ["ledger_1.csv"],
    odd: ["x{1}.csv"],
    none: [],
    since: ["x{1}.csv"],
    state: ["x{1}.csv"],
    sha: ["sub/deep.txt"],
    run: ["x{1}.csv"],
    connection: [],
  });
});

test("readers see every commit at once, and neither side waits for the other", async () => {
  const b = bench();
  const readers = Array.from({ length: 20 }, () => openHistory(b.file));
  let worst = 0;
  for (let count = 1; count <= 50; count++) {
    const begun = performance.now();
    await b.storage.queue.enqueue(newRun());
    worst = Math.max(worst, performance.now() - begun);
    const seen = await Promise.all(readers.map(async (reader) => (await reader.runs({ limit: 100 })).length));
    expect(new Set(seen)).toEqual(new Set([count]));
  }
  for (const reader of readers) reader.close();
  expect(worst).toBeLessThan(1000);
});
