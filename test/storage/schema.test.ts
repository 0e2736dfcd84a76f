import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import type { RunState } from "../../src/runs/run.js";
import { openStorage } from "../../src/storage/open.js";
import { connect } from "../../src/storage/sqlite/connect.js";
import { openHistory } from "../../src/storage/sqlite/history.js";
import { bench, deliveryIn, running, withDatabase } from "./workbench.js";

/** Of interface.md §6, in its order. */
const VIEWS = {
  runs: "id job state reason trigger scheduled_at started_at finished_at duration_ms attempt files bytes late error_code error cause hint",
  task_runs: "run_id task kind state attempts started_at duration_ms error_code error",
  transfers:
    "run_id task connection direction local_path remote_path bytes sha256 state started_at duration_ms resumed_from verified_by reply error_code error",
  commands: "run_id task session seq at channel direction text",
  sessions:
    "run_id session connection address tls_version cipher resumed certificate_sha256 host_key_sha256 opened_at closed_at",
  deliveries:
    "run_id task connection local_path remote_path temporary_path bytes sha256 state planned_at delivered_at reply",
  expectations: "job by files outcome found at",
  audit: "at user host action subject detail",
};

test("the views have the columns that are promised", () => {
  const b = bench();
  const names = b.sql<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'view'").map((row) => row.name);
  const found = names.map((name) => [
    name,
    b
      .sql<{ name: string }>(`PRAGMA table_info(${name})`)
      .map((row) => row.name)
      .join(" "),
  ]);
  expect(Object.fromEntries(found)).toEqual(VIEWS);
});

test("the values have the types and forms that are promised, for another tool too", async () => {
  const b = bench();
  const run = await running(b, { scheduledAt: b.clock.now() });
  await deliveryIn(b, run, "delivered");
  await b.clock.advance(1234);
  await b.storage.recorder.record({ type: "run-finished", run, state: "succeeded", late: true });
  const types = `SELECT typeof(id) || ' ' || typeof(state) || ' ' || started_at || ' ' || finished_at || ' ' || duration_ms || ' ' || files
    || ' ' || bytes || ' ' || late || ' ' || typeof(error) AS line FROM runs`;
  const line = "integer text 2026-11-20T02:30:00.000Z 2026-11-20T02:30:01.234Z 1234 1 10 1 null";
  expect(b.sql(types)).toEqual([{ line }]);
  if (existsSync("/usr/bin/sqlite3"))
    expect(execFileSync("/usr/bin/sqlite3", ["-readonly", b.file, types], { encoding: "utf8" }).trim()).toBe(line);
});

test("tables are strict, writes are durable, and the log is written ahead", () => {
  const b = bench();
  const loose = b.sql(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
  );
  expect(loose).toEqual([]);
  expect(b.sql("PRAGMA journal_mode")).toEqual([{ journal_mode: "wal" }]);
});

const FINAL: readonly RunState[] = ["succeeded", "failed", "cancelled", "timed-out", "interrupted", "skipped"];

test.each(FINAL)("a run that is %s cannot be changed or deleted, not even by hand", async (state) => {
  const b = bench();
  const run = await running(b);
  b.sql(`UPDATE run_rows SET state = '${state}' WHERE id = ${run} RETURNING id`);
  for (const sql of [
    "UPDATE run_rows SET state = 'running'",
    "UPDATE run_rows SET reason = 'x'",
    "DELETE FROM run_rows",
  ]) {
    expect(() => withDatabase(b.file, (db) => db.prepare(sql).run()), sql).toThrow(/never/);
  }
});

test("history cannot be changed or deleted by hand", async () => {
  const b = bench();
  const run = await running(b);
  await deliveryIn(b, run, "delivered");
  b.storage.recorder.line({
    run,
    task: "push",
    session: 1,
    at: b.clock.now(),
    channel: "control",
    direction: "sent",
    text: "NOOP",
  });
  await b.storage.recorder.record({ type: "audit", action: "x", subject: "y", detail: "z" });
  const tables = ["events", "delivery_states", "command_rows", "audit_rows"];
  const attempts = [
    ...tables.flatMap((table) => [`DELETE FROM ${table}`, `UPDATE ${table} SET at = 'x'`]),
    "DELETE FROM run_rows",
    "DELETE FROM delivery_rows",
    "UPDATE delivery_rows SET state = 'failed'",
    "UPDATE delivery_rows SET sha256 = 'x'",
  ];
  for (const sql of attempts) expect(() => withDatabase(b.file, (db) => db.prepare(sql).run()), sql).toThrow(/never/);
});

test("only the owner may read the files, whatever the umask, and too wide ones are narrowed", async () => {
  const umask = process.umask(0);
  try {
    const b = bench();
    await running(b);
    const files = () =>
      readdirSync(dirname(b.file)).map((name) => [
        name,
        (statSync(join(dirname(b.file), name)).mode & 0o777).toString(8),
      ]);
    const expected = [
      ["history.db", "600"],
      ["history.db-shm", "600"],
      ["history.db-wal", "600"],
    ];
    expect(files()).toEqual(expected);
    for (const [name] of expected) chmodSync(join(dirname(b.file), name!), 0o644);
    await b.reopen();
    await running(b);
    expect(files()).toEqual(expected);
  } finally {
    process.umask(umask);
  }
});

/** A folder with a sound history in it, closed. */
async function soundFile(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "ferry-sound-"));
  const b = bench(folder);
  for (let count = 0; count < 40; count++) await deliveryIn(b, await running(b), "delivered", `${count}.csv`);
  await b.storage.close();
  return b.file;
}

const refusalOf = (file: string): unknown => {
  try {
    void openStorage({ file, clock: systemClock, maskText: (text) => text }).close();
    return undefined;
  } catch (error) {
    return error;
  }
};

test("a newer schema is refused, and kept, by writer and reader", async () => {
  const file = await soundFile();
  withDatabase(file, (db) => db.pragma("user_version = 999"));
  const before = readFileSync(file);
  expect(refusalOf(file)).toMatchObject({ code: "FERRY_STORAGE_NEWER", exitCode: 2 });
  await expect(openHistory(file).runs({ limit: 1 })).rejects.toMatchObject({ code: "FERRY_STORAGE_NEWER" });
  expect(readFileSync(file)).toEqual(before);
});

test("what is damaged, or not a history, is refused, and kept byte for byte", async () => {
  const file = await soundFile();
  const whole = readFileSync(file);
  const damages: Record<string, () => void> = {
    "a text": () => writeFileSync(file, "not a database, by no means\n".repeat(100)),
    "an empty file": () => truncateSync(file, 0),
    "half a file": () => truncateSync(file, Math.floor(whole.length / 8192) * 4096),
    "a cleared header": () => writeFileSync(file, Buffer.concat([Buffer.alloc(100), whole.subarray(100)])),
    "a cleared page": () =>
      writeFileSync(file, Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(4096), whole.subarray(8192)])),
    "another program's database": () => {
      rmSync(file);
      withDatabase(file, (db) => db.exec("CREATE TABLE runs (id)"));
    },
  };
  for (const [what, damage] of Object.entries(damages)) {
    writeFileSync(file, whole);
    damage();
    const before = readFileSync(file);
    expect(refusalOf(file), what).toMatchObject({
      code: "FERRY_STORAGE_CORRUPT",
      exitCode: 2,
      message: expect.stringContaining(file),
    });
    expect(readFileSync(file).equals(before), what).toBe(true);
    for (const rest of ["-wal", "-shm"]) rmSync(file + rest, { force: true });
  }
  writeFileSync(file, whole);
  expect(refusalOf(file)).toBeUndefined();
});

test("random damage of structure is never taken for an empty history", async () => {
  const file = await soundFile();
  const whole = readFileSync(file);
  let refused = 0;
  for (let at = 0; at < 200; at++) {
    const damaged = Buffer.from(whole);
    const page = (at * 7919 * 4096) % whole.length;
    damaged.fill(0xa5, page, page + 64);
    writeFileSync(file, damaged);
    if (refusalOf(file)) refused++;
    else
      expect(withDatabase(file, (db) => db.prepare("SELECT count(*) AS count FROM runs").get())).toEqual({ count: 40 });
    for (const rest of ["-wal", "-shm"]) rmSync(file + rest, { force: true });
  }
  expect(refused).toBeGreaterThan(190);
});

test("a log whose database is gone is not replayed into a new one", async () => {
  const b = bench();
  await running(b);
  const lost = mkdtempSync(join(tmpdir(), "ferry-lost-"));
  copyFileSync(`${b.file}-wal`, join(lost, "history.db-wal"));
  expect(refusalOf(join(lost, "history.db"))).toMatchObject({
    code: "FERRY_STORAGE_CORRUPT",
    message: expect.stringContaining("is gone"),
  });
  rmSync(join(lost, "history.db-wal"));
  expect(refusalOf(join(lost, "history.db"))).toBeUndefined();
  rmSync(lost, { recursive: true });
});

test("a half-made database of a process that died is made anew", () => {
  const folder = mkdtempSync(join(tmpdir(), "ferry-half-"));
  writeFileSync(join(folder, "history.db.new"), "half");
  expect(refusalOf(join(folder, "history.db"))).toBeUndefined();
  expect(readdirSync(folder)).toEqual(["history.db"]);
  expect(connect(join(folder, "history.db"), { readonly: true }).pragma("journal_mode", { simple: true })).toBe("wal");
  rmSync(folder, { recursive: true });
});
