import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { openStorage } from "../../src/storage/open.js";
import { workspacePaths } from "../../src/workspace/paths.js";
import { makeState } from "../../src/workspace/state.js";
import { newRun } from "../storage/workbench.js";
import { ferry, type Setting } from "./terminal.js";
import { environment, pushing } from "./workspace.js";

let at: Setting & { readonly folder: string };

/** Run 1 holds ledger.csv: it was being renamed when the server went away. */
beforeEach(async () => {
  const folder = pushing();
  at = { folder, env: environment() };
  const paths = workspacePaths(folder);
  makeState(paths);
  const source = join(folder, "out/ledger.csv");
  writeFileSync(source, "a,b\n");
  const storage = openStorage({ file: paths.history, clock: systemClock, maskText: (text) => text });
  const run = (await storage.queue.enqueue(newRun({ job: "push" }))) ?? 0;
  await storage.queue.start(run, "hash");
  await storage.recorder.record({ type: "task-started", run, task: "upload", kind: "upload", attempt: 1 });
  const ledger = storage.ledgers.of(run, "upload");
  const stats = statSync(source, { bigint: true });
  const identity = {
    size: 4,
    mtimeNs: `${stats.mtimeNs}`,
    ctimeNs: `${stats.ctimeNs}`,
    ino: `${stats.ino}`,
    dev: `${stats.dev}`,
  };
  const { id } = await ledger.plan({
    ...{
      connection: "share",
      direction: "upload",
      localPath: source,
      remotePath: "ledger.csv",
      temporaryPath: ".ledger.csv.1.part",
    },
    source: { file: { path: source, folder: "", identity, origins: [{ path: source, identity }] } },
  });
  const error = {
    code: "FERRY_HELD",
    message: "ledger.csv may have arrived",
    cause: "connection reset",
    hint: "ask the partner",
  } as const;
  await ledger.advance(id, { state: "sending" });
  await ledger.advance(id, { state: "sent", bytes: 4, sha256: "ab".repeat(32) });
  await ledger.advance(id, { state: "publishing" });
  await ledger.advance(id, { state: "held", error });
  await storage.recorder.record({
    type: "task-finished",
    run,
    task: "upload",
    kind: "upload",
    state: "failed",
    attempts: 1,
    error,
  });
  await storage.recorder.record({ type: "run-finished", run, state: "failed", error, errorTask: "upload" });
  await storage.close();
});

test("held lists what is in doubt", async () => {
  const { code, json } = await ferry(["job", "held", "--json"], at);
  expect({ code, document: json() }).toMatchObject({
    code: 0,
    document: { held: [{ run: 1, job: "push", remotePath: "ledger.csv", state: "held" }] },
  });
  expect((await ferry(["job", "held"], at)).out).toContain("ferry job resolve RUN FILE --as delivered");
});

test("the run's page says what to do, and nothing of it is green", async () => {
  const { out } = await ferry(["history", "show", "1"], { ...at, columns: 100 });
  expect(out).toContain("0 of 1 file delivered, 0 B, 1 held");
  expect(out).toContain("ferry job resolve 1 ledger.csv --as resend");
  expect(out).toContain("\u001b[33mheld\u001b[39m");
  expect(out).not.toContain("\u001b[32m");
});

test("resolved as delivered, it is in doubt no more", async () => {
  const { code, json } = await ferry(["job", "resolve", "1", "ledger.csv", "--as", "delivered", "--json"], at);
  expect({ code, document: json() }).toEqual({ code: 0, document: { run: 1, file: "ledger.csv", as: "delivered" } });
  expect((await ferry(["job", "held", "--json"], at)).json()).toEqual({ held: [] });
  expect((await ferry(["job", "resolve", "1", "ledger.csv", "--as", "delivered"], at)).code).toBe(4);
});

describe("resolved as delivered, where the task puts its sources away", () => {
  const resolve = () => ferry(["job", "resolve", "1", "ledger.csv", "--as", "delivered", "--json"], at);
  const there = () =>
    ["out/ledger.csv", "sent/ledger.csv", "target/ledger.csv"].filter((path) => existsSync(join(at.folder, path)));

  beforeEach(() => {
    const after = "tasks: [{ upload: { connection: share, from: 'out/*.csv', after: { move: sent/ } } }]\n";
    writeFileSync(join(at.folder, "jobs/push.yaml"), after);
  });

  test("a run does that, and sends nothing", async () => {
    const { code, json } = await resolve();
    const reason = `puts away ${at.folder}/out/ledger.csv, which run 1 delivered`;
    expect({ code, document: json(), there: there() }).toMatchObject({
      ...{ code: 0, there: ["sent/ledger.csv"] },
      document: { run: { id: 2, state: "succeeded", reason }, transfers: [] },
    });
    const { deliveries } = (await ferry(["history", "files", "--json"], at)).json() as { deliveries: object[] };
    expect(deliveries).toMatchObject([{ run: 1, state: "delivered" }]);
  });

  test("a source that has changed since stays, and is said to", async () => {
    writeFileSync(join(at.folder, "out/ledger.csv"), "c,d\n");
    const { code, json } = await resolve();
    expect({ code, document: json(), there: there() }).toMatchObject({
      ...{ code: 1, there: ["out/ledger.csv"] },
      document: { run: { id: 2, state: "failed", error: { code: "FERRY_DISPOSAL_FAILED" } }, transfers: [] },
    });
    const { deliveries } = (await ferry(["history", "files", "--json"], at)).json() as { deliveries: object[] };
    expect(deliveries).toMatchObject([{ run: 1, state: "delivered", error: { code: "FERRY_DISPOSAL_FAILED" } }]);
  });

  test("a job that is off now puts nothing away", async () => {
    writeFileSync(join(at.folder, "jobs/push.yaml"), "tasks: [{ uplaod: {} }]\n");
    const { code, json } = await resolve();
    expect({ code, document: json(), there: there() }).toEqual({
      ...{ code: 0, there: ["out/ledger.csv"] },
      document: { run: 1, file: "ledger.csv", as: "delivered" },
    });
  });
});

test("resolved as resend, the run that sends it is waited for and printed", async () => {
  const { code, json } = await ferry(["job", "resolve", "1", "ledger.csv", "--as", "resend", "--json"], at);
  expect({ code, document: json() }).toMatchObject({
    code: 0,
    document: {
      run: { id: 2, state: "succeeded" },
      transfers: [{ remotePath: join(at.folder, "target/ledger.csv"), state: "delivered" }],
    },
  });
});
