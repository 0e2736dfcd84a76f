import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { openStorage } from "../../src/storage/open.js";
import { openHistory } from "../../src/storage/sqlite/history.js";
import { canMount, smallDisk } from "../support/servers/disk.js";
import { bench, newRun, running, upload, withDatabase } from "./workbench.js";

const repository = fileURLToPath(new URL("../..", import.meta.url));
// Below node_modules, so that the compiled program finds its packages.
const built = join(repository, "node_modules", ".cache", `ferry-storage-${process.pid}`);

beforeAll(() => {
  mkdirSync(built, { recursive: true });
  writeFileSync(join(built, "package.json"), '{ "type": "module" }');
  const options =
    "--ignoreConfig --rootDir src --target ES2023 --module NodeNext --moduleResolution NodeNext --skipLibCheck --types node";
  const tsc = join(repository, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, ...options.split(" "), "--outDir", built, "src/storage/open.ts"], {
    cwd: repository,
    stdio: "pipe",
  });
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

/** Runs deliveries through all their states, and says each one that was acknowledged. */
const writer = (file: string) => `
  import { openStorage } from ${JSON.stringify(pathToFileURL(join(built, "storage/open.js")).href)};
  import { systemClock } from ${JSON.stringify(pathToFileURL(join(built, "base/clock.js")).href)};
  import { writeSync } from "node:fs";
  const storage = openStorage({ file: ${JSON.stringify(file)}, clock: systemClock, maskText: (text) => text });
  for (const { id } of await storage.queue.recover(() => false)) writeSync(1, "recovered " + id + "\\n");
  const absent = { scheduledAt: undefined, files: undefined, usefulUntil: undefined, continues: undefined, resend: undefined };
  const key = process.pid + " " + performance.now();
  const run = await storage.queue.enqueue({ ...absent, ...${JSON.stringify(newRun())}, key });
  await storage.queue.start(run, "hash");
  const ledger = storage.ledgers.of(run, "push");
  for (let count = 0; ; count++) {
    let { id } = await ledger.plan(${JSON.stringify(upload("a.csv"))});
    writeSync(1, "delivery " + id + " planned\\n");
    for (const state of ["sending", "sent", "publishing", "delivered"]) {
      storage.recorder.line({ run, task: "push", session: 1, at: new Date(), channel: "control", direction: "sent", text: "line " + id + " " + state });
      await ledger.advance(id, { state });
      writeSync(1, "delivery " + id + " " + state + "\\n");
    }
    await new Promise((resolve) => setImmediate(resolve));
  }`;

const ORDER = ["planned", "sending", "sent", "publishing", "delivered"];

test("a process that is killed at any moment loses nothing that it was told is kept", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ferry-kill-"));
  const file = join(folder, "history.db");
  const script = join(built, "writer.mjs");
  writeFileSync(script, writer(file));
  const acknowledged = new Map<number, string>();
  let kills = 0;
  for (let round = 0; round < 20; round++) {
    for (const line of await linesUntilKilled(script, 3 + round * 7)) {
      const [what, id, state] = line.split(" ");
      if (what === "delivery" && state !== undefined) acknowledged.set(Number(id), state);
    }
    kills++;
    withDatabase(file, (db) => {
      expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
      expect(db.pragma("foreign_key_check")).toEqual([]);
    });
  }
  const storage = openStorage({ file, clock: systemClock, maskText: (text) => text });
  const rows = withDatabase(file, (db) => db.prepare("SELECT delivery_id AS id, state FROM delivery_states").all()) as {
    id: number;
    state: string;
  }[];
  const kept = new Map<number, Set<string>>();
  for (const { id, state } of rows) kept.set(id, (kept.get(id) ?? new Set()).add(state));
  const lost = [...acknowledged].filter(
    ([id, state]) => !ORDER.slice(0, ORDER.indexOf(state) + 1).every((one) => kept.get(id)?.has(one)),
  );
  const said = withDatabase(file, (db) => db.prepare("SELECT text FROM commands").all() as { text: string }[]).map(
    ({ text }) => text,
  );
  const states = rows.filter(({ state }) => state !== "planned" && state !== "held" && state !== "failed");
  const unsaid = states.filter(({ id, state }) => !said.includes(`line ${id} ${state}`));
  await storage.queue.recover(() => false);
  const open = withDatabase(file, (db) =>
    db.prepare("SELECT count(*) AS count FROM runs WHERE state IN ('queued', 'running') AND started_at NOT NULL").get(),
  );
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
  expect({ kills, lost, unsaid, open }).toEqual({ kills: 20, lost: [], unsaid: [], open: { count: 0 } });
  expect(acknowledged.size).toBeGreaterThan(20);
}, 120_000);

/** What the writer said until it was killed, after that many lines. */
function linesUntilKilled(script: string, after: number): Promise<string[]> {
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.split("\n").length > after) child.kill("SIGKILL");
    });
    child.on("close", (code, signal) => {
      const complete = text.slice(0, text.lastIndexOf("\n")).split("\n");
      if (signal === "SIGKILL") resolve(complete);
      else reject(new Error(`the writer ended with ${code}`));
    });
  });
}

test.skipIf(!canMount())(
  "on a full disk nothing is begun that could not be recorded, and it goes on when there is room",
  async () => {
    const disk = smallDisk("1m")!;
    const b = bench(disk.path);
    try {
      const run = await running(b);
      const ledger = b.storage.ledgers.of(run, "push");
      const ballast = join(disk.path, "ballast");
      try {
        writeFileSync(ballast, Buffer.alloc(1 << 20));
      } catch {}
      let acknowledged = 0;
      let refusal: unknown;
      while (refusal === undefined && acknowledged < 10_000) {
        b.storage.recorder.line({
          run,
          task: "push",
          session: 1,
          at: b.clock.now(),
          channel: "control",
          direction: "sent",
          text: `${acknowledged}`,
        });
        await ledger.plan(upload(`${acknowledged}.csv`)).then(
          () => acknowledged++,
          (error: unknown) => {
            refusal = error;
          },
        );
      }
      expect(refusal).toMatchObject({ code: "FERRY_STORAGE" });
      expect((await ledger.ofTask()).length).toBe(acknowledged);
      await expect(b.storage.queue.enqueue(newRun())).rejects.toMatchObject({ code: "FERRY_STORAGE" });
      expect((await b.history.runs({ limit: 9 })).length).toBe(1);

      rmSync(ballast);
      await ledger.plan(upload("after.csv"));
      await b.reopen();
      expect((await b.storage.ledgers.of(run, "push").ofTask()).length).toBe(acknowledged + 1);
      expect((await b.history.lines({ run })).map(({ text }) => text)).toEqual(
        Array.from({ length: acknowledged + 1 }, (_, index) => `${index}`),
      );
    } finally {
      b.history.close();
      await b.storage.close();
      disk.remove();
    }
  },
);

test.skipIf(!canMount())("where there is no room for a new history, none is begun", async () => {
  const disk = smallDisk("64k")!;
  const file = join(disk.path, "history.db");
  const open = () => openStorage({ file, clock: systemClock, maskText: (text) => text });
  expect(open).toThrow(expect.objectContaining({ code: "FERRY_STORAGE" }));
  expect(await openHistory(file).runs({ limit: 1 })).toEqual([]);
  disk.remove();
});
