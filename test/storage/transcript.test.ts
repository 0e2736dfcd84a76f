import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { TranscriptLine } from "../../src/runs/ports.js";
import { connect } from "../../src/storage/sqlite/connect.js";
import { type Bench, bench, deliveryIn, failure, running, SECRET, upload, withDatabase } from "./workbench.js";

function line(b: Bench, run: number, text: string, values: Partial<TranscriptLine> = {}): void {
  b.storage.recorder.line({
    run,
    task: "push",
    session: 1,
    at: b.clock.now(),
    channel: "control",
    direction: "sent",
    text,
    ...values,
  });
}

const texts = async ({ history }: Bench, run: number) => (await history.lines({ run })).map(({ text }) => text);

test("lines are on disk with the next event, with the next delivery state, at a flush, and within a second", async () => {
  const b = bench();
  const run = await running(b);
  const counts: number[] = [];
  const count = async () => counts.push((await texts(b, run)).length);
  line(b, run, "USER anna");
  await count();
  await b.storage.recorder.record({ type: "session-opened", run, session: 1, connection: "bank" });
  await count();
  line(b, run, "STOR a");
  await b.storage.ledgers.of(run, "push").plan(upload("a.csv"));
  await count();
  line(b, run, "NOOP");
  await b.storage.recorder.flush();
  await count();
  line(b, run, "QUIT");
  await b.clock.advance(999);
  await count();
  await b.clock.advance(1);
  await count();
  expect(counts).toEqual([0, 1, 2, 3, 3, 4]);
  expect(b.clock.waiting()).toBe(0);
});

test("five hundred lines do not wait", async () => {
  const b = bench();
  const run = await running(b);
  for (let count = 0; count < 1001; count++) line(b, run, `NOOP ${count}`);
  expect((await texts(b, run)).length).toBe(1000);
});

test("lines are numbered within their session, go on after a restart, and are read in the order of speech", async () => {
  const b = bench();
  const run = await running(b);
  line(b, run, "a");
  line(b, run, "b", { session: 2, direction: "note", task: undefined });
  line(b, run, "c", { direction: "received" });
  await b.reopen();
  line(b, run, "d", { session: 2 });
  await b.storage.recorder.flush();
  expect(b.sql("SELECT session, seq, text FROM commands ORDER BY session, seq")).toEqual([
    { session: 1, seq: 1, text: "a" },
    { session: 1, seq: 2, text: "c" },
    { session: 2, seq: 1, text: "b" },
    { session: 2, seq: 2, text: "d" },
  ]);
  const all = await b.history.lines({ run });
  expect(all.map(({ text }) => text)).toEqual(["a", "b", "c", "d"]);
  expect(all[1]).toEqual({
    cursor: 2,
    at: "2026-11-20T02:30:00.000Z",
    session: 2,
    channel: "control",
    direction: "note",
    text: "b",
    task: null,
  });
  const after = async (filter: object) => (await b.history.lines({ run, ...filter })).map(({ text }) => text);
  expect([await after({ after: 2 }), await after({ session: 2 }), await after({ task: "push" })]).toEqual([
    ["c", "d"],
    ["b", "d"],
    ["a", "c", "d"],
  ]);
});

test("a text with line ends becomes as many rows", async () => {
  const b = bench();
  const run = await running(b);
  line(b, run, "230-Welcome\r\n230 you are in", { direction: "received" });
  await b.storage.recorder.flush();
  expect(await texts(b, run)).toEqual(["230-Welcome", "230 you are in"]);
});

test("while the disk refuses nothing begins, and nothing is lost once it does not", async () => {
  const b = bench();
  const run = await running(b);
  const { id } = await b.storage.ledgers.of(run, "push").plan(upload("a.csv"));
  line(b, run, "STOR a");
  const other = connect(b.file);
  other.exec("BEGIN IMMEDIATE");
  await b.clock.advance(1000);
  await expect(b.storage.ledgers.of(run, "push").advance(id, { state: "sending" })).rejects.toMatchObject({
    code: "FERRY_STORAGE",
    causeText: expect.stringContaining("SQLITE_BUSY"),
  });
  other.exec("ROLLBACK");
  other.close();
  expect(await texts(b, run)).toEqual([]);
  await b.clock.advance(1000);
  expect(await texts(b, run)).toEqual(["STOR a"]);
  await expect(b.storage.ledgers.of(run, "push").advance(id, { state: "sending" })).resolves.toMatchObject({
    state: "sending",
  });
}, 60_000);

test("lines that had to be given up are told once to the ledger, and in the transcript", async () => {
  const b = bench();
  const run = await running(b);
  withDatabase(b.file, (db) =>
    db.exec("CREATE TRIGGER refuse BEFORE INSERT ON command_rows BEGIN SELECT raise(ABORT, 'refused'); END"),
  );
  for (let count = 0; count <= 50_000; count++) line(b, run, `NOOP ${count}`);
  withDatabase(b.file, (db) => db.exec("DROP TRIGGER refuse"));
  await expect(b.storage.ledgers.of(run, "push").plan(upload("a.csv"))).rejects.toMatchObject({
    code: "FERRY_STORAGE",
  });
  await b.storage.ledgers.of(run, "push").plan(upload("a.csv"));
  const kept = await texts(b, run);
  expect([kept.length, kept[0], kept[1]]).toEqual([
    501,
    "49501 lines are missing here: they could not be recorded",
    "NOOP 49501",
  ]);
});

test("a secret is in no table, no view and no file", async () => {
  const b = bench();
  const run = await running(b);
  const error = { ...failure, message: `refused ${SECRET}`, cause: `530 ${SECRET}`, hint: `not ${SECRET}` };
  const { recorder, ledgers, queue } = b.storage;
  line(b, run, `PASS ${SECRET}`);
  line(b, run, "PASS short");
  line(b, run, `echoed ${SECRET} here`, { direction: "received" });
  line(b, run, Buffer.from(SECRET).toString("base64"), { direction: "received" });
  await recorder.record({ type: "task-started", run, task: "push", kind: "upload", attempt: 1 });
  await recorder.record({
    type: "task-finished",
    run,
    task: "push",
    kind: "exec",
    state: "failed",
    attempts: 1,
    error,
    result: { files: [], output: SECRET },
  });
  const { id } = await deliveryIn(b, run, "sent");
  await ledgers.of(run, "push").advance(id, { state: "publishing", reply: `250 ${SECRET}` });
  await ledgers.of(run, "push").advance(id, { state: "failed", error });
  await deliveryIn(b, run, "publishing", "b.csv");
  const end = { type: "run-finished", run, state: "failed", error, reason: SECRET } as const;
  await recorder.recordEnd({ run, error }, () => end);
  await ledgers.resolveResend((await ledgers.held(run, "b.csv"))!.id, SECRET);
  await recorder.record({ type: "audit", action: "secret set", subject: SECRET, detail: SECRET });
  await queue.drop(2, "cancelled", SECRET);

  const forms = [SECRET, Buffer.from(SECRET).toString("base64"), "PASS short"];
  const folder = dirname(b.file);
  const hits = () =>
    readdirSync(folder).filter((name) => forms.some((form) => readFileSync(join(folder, name)).includes(form)));
  expect(hits()).toEqual([]);
  await b.reopen();
  expect(hits()).toEqual([]);
  expect(await texts(b, run)).toEqual(["PASS ********", "PASS ********", "echoed ******** here", "********"]);
  expect(await b.history.run(run)).toMatchObject({
    reason: "********",
    error: { message: "refused ********", cause: "530 ********", hint: "not ********" },
  });
});
