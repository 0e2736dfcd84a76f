import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "better-sqlite3";
import { onTestFinished } from "vitest";
import type { ErrorRecord } from "../../src/base/errors.js";
import { createMasker } from "../../src/base/secret.js";
import type { RunHistory } from "../../src/runs/history.js";
import type { NewRun, Storage } from "../../src/runs/ports.js";
import type { WatchedFile } from "../../src/scheduler/trigger.js";
import { openStorage } from "../../src/storage/open.js";
import { connect } from "../../src/storage/sqlite/connect.js";
import { openHistory } from "../../src/storage/sqlite/history.js";
import type { FileIdentity } from "../../src/tasks/files.js";
import type { Delivery, DeliveryState, NewDelivery } from "../../src/tasks/ledger.js";
import { createFakeClock, type FakeClock } from "../support/fake-clock.js";

export const SECRET = "swordfish-9Qz";

/** A store on a disk of its own, that can be closed, killed and opened again. */
export interface Bench {
  readonly file: string;
  readonly clock: FakeClock;
  storage: Storage;
  readonly history: RunHistory;
  /** Another process: what the old one had not written is lost. */
  reopen(): Promise<void>;
  /** As any other tool would: without our code in between. */
  sql<Row = Record<string, unknown>>(text: string): Row[];
}

export function bench(folder = mkdtempSync(join(tmpdir(), "ferry-storage-"))): Bench {
  const file = join(folder, ".ferry", "history.db");
  const clock = createFakeClock("2026-11-20T02:30:00.000Z");
  const masker = createMasker();
  masker.add(SECRET);
  const open = () => openStorage({ file, clock, maskText: (text) => masker.mask(text) });
  const history = openHistory(file);
  const made: Bench = {
    file,
    clock,
    storage: open(),
    history,
    async reopen() {
      await made.storage.close();
      made.storage = open();
    },
    sql: (text) => withDatabase(file, (db) => db.prepare(text).all() as never[]),
  };
  onTestFinished(async () => {
    history.close();
    await made.storage.close().catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  });
  return made;
}

export function withDatabase<T>(file: string, work: (db: Database) => T): T {
  const db = connect(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

export function newRun(values: Partial<NewRun> = {}): NewRun {
  return {
    job: "nightly",
    trigger: "manual",
    triggerId: "manual",
    key: `key ${counter++}`,
    scheduledAt: undefined,
    files: undefined,
    usefulUntil: undefined,
    vars: {},
    attempt: 1,
    continues: undefined,
    resend: undefined,
    ...values,
  };
}
let counter = 1;

/** A run that is going on. */
export async function running({ storage }: Bench, values: Partial<NewRun> = {}): Promise<number> {
  const id = await storage.queue.enqueue(newRun(values));
  if (id === undefined || !(await storage.queue.start(id, "hash"))) throw new Error("the run did not start");
  return id;
}

function identity(size = 10): FileIdentity {
  return { size, mtimeNs: "1763605800123456789", ctimeNs: "1763605800123456789", ino: "4711", dev: "66" };
}

export function watched(path: string, size = 10): WatchedFile {
  return { path, folder: "", version: identity(size) };
}

export function upload(name: string, origins: readonly string[] = [`/out/${name}`]): NewDelivery {
  const path = `/out/${name}`;
  return {
    connection: "bank",
    direction: "upload",
    localPath: path,
    remotePath: `/in/${name}`,
    temporaryPath: `/in/.${name}.7k3q.part`,
    source: {
      file: {
        path,
        folder: "",
        identity: identity(),
        origins: origins.map((origin) => ({ path: origin, identity: identity() })),
      },
    },
  };
}

const WAYS: Readonly<Record<DeliveryState, readonly DeliveryState[]>> = {
  planned: [],
  sending: ["sending"],
  sent: ["sending", "sent"],
  receiving: ["receiving"],
  received: ["receiving", "received"],
  publishing: ["sending", "sent", "publishing"],
  delivered: ["sending", "sent", "publishing", "delivered"],
  unverified: ["sending", "sent", "publishing", "unverified"],
  held: ["sending", "sent", "publishing", "held"],
  failed: ["sending", "failed"],
  skipped: ["skipped"],
};

export const failure: ErrorRecord = {
  code: "FERRY_CONNECTION_LOST",
  message: "lost the connection",
  cause: "ECONNRESET",
  hint: "wait",
};

/** A delivery that came as far as `state`. */
export async function deliveryIn(
  { storage }: Bench,
  run: number,
  state: DeliveryState,
  name = "a.csv",
): Promise<Delivery> {
  const ledger = storage.ledgers.of(run, "push");
  let delivery = await ledger.plan(upload(name));
  for (const next of WAYS[state]) {
    const told = next === "sent" || next === "received" ? { bytes: 10, sha256: "ab12", verifiedBy: "size" } : {};
    const error = next === "failed" || next === "held" || next === "skipped" ? { error: failure } : {};
    delivery = await ledger.advance(delivery.id, { state: next, ...told, ...error });
  }
  return delivery;
}
