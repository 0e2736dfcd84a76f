import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
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
