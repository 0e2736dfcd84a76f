import { catalogue } from "../../base/error-catalogue.js";
import { AgentError } from "../../base/errors.js";
import type { Ledgers } from "../../runs/ports.js";
import type { Ledger } from "../../tasks/ledger.js";
import { advanceDelivery, closeOpen, disposeOf, planDelivery } from "./deliveries.js";
import { type DeliveryRow, selectDelivery, selectHeld, selectOfTask, toDelivery } from "./delivery-rows.js";
import { appendAudit } from "./events.js";
import { maskError } from "./masking.js";
import { addRun } from "./new-run.js";
import { selectRun, selectWork, toNewRun } from "./run-rows.js";
import type { Store } from "./store.js";

export function createLedgers(store: Store): Ledgers {
  const { db } = store;
  return {
    of: (run, task) => createLedger(store, run, task),
    closeOpen: async (run, error, task) =>
      store.write((at) => closeOpen(store, at, run, maskError(store.mask, error), task)),
    held: async (run, file) => {
      const row = store.read(() => selectHeld(db, run, file));
      return row && { id: row.id, run: row.run_id, task: row.task };
    },
    resolveDelivered: async (id, note) => store.write((at) => resolveDelivered(store, at, id, store.mask(note))),
    resolvePutAway: async (id, note) => store.write((at) => resolvePutAway(store, at, id, store.mask(note))),
    resolveResend: async (id, note) => store.write((at) => resolveResend(store, at, id, store.mask(note))),
  };
}

function createLedger(store: Store, run: number, task: string): Ledger {
  const { db } = store;
  const recorded = <T>(work: (at: string) => T): T => {
    store.refuseLoss();
    return store.write(work);
  };
  return {
    ofTask: async () => store.read(() => selectOfTask(db, selectWork(db, run), task).map(toDelivery)),
    plan: async (delivery) => recorded((at) => planDelivery(store, at, run, task, delivery)),
    advance: async (id, change) =>
      recorded((at) => {
        refuseForeign(selectDelivery(db, id), run);
        return advanceDelivery(store, at, id, change);
      }),
    disposed: async (id, to) => recorded((at) => disposeOf(store, at, id, to)),
  };
}

/** What is open belongs to one run; of an earlier run's deliveries only the source may still be put away. */
function refuseForeign(row: DeliveryRow | undefined, run: number): void {
  if (row && row.run_id !== run && row.state !== "delivered" && row.state !== "unverified") {
    throw new Error(`delivery ${row.id} belongs to run ${row.run_id}, not to run ${run}`);
  }
}

function resolveDelivered(store: Store, at: string, id: number, note: string): void {
  const row = heldRow(store, id);
  advanceDelivery(store, at, id, { state: "delivered", verifiedBy: "person" });
  appendAudit(store.db, at, { action: "resolved", subject: subjectOf(row), detail: `as delivered: ${note}` });
}

function resolvePutAway(store: Store, at: string, id: number, note: string): number {
  const row = heldRow(store, id);
  resolveDelivered(store, at, id, note);
  return addRunAbout(store, at, row, "put-away", `puts away ${sourceOf(row)}, which run ${row.run_id} delivered`);
}

/** A run that is about one delivery, and nothing else. */
function addRunAbout(store: Store, at: string, row: DeliveryRow, what: "resend" | "put-away", reason: string): number {
  const run = selectRun(store.db, row.run_id);
  if (!run) throw new Error(`delivery ${row.id} has no run`);
  const about = addRun(
    store,
    at,
    {
      ...toNewRun(run),
      trigger: "manual",
      triggerId: "manual",
      key: `${what}:${row.id}`,
      scheduledAt: undefined,
      usefulUntil: undefined,
      attempt: run.attempt + 1,
      continues: run.id,
      resend: row.id,
    },
    { state: "queued", reason, continuations: 0 },
  );
  if (about === undefined) throw new Error(`delivery ${row.id} is held although it was decided about`);
  return about;
}

function resolveResend(store: Store, at: string, id: number, note: string): number {
  const row = heldRow(store, id);
  const again = addRunAbout(store, at, row, "resend", `sends ${row.local_path} of run ${row.run_id} again`);
  const message = `a person decided to send it again: run ${again}`;
  advanceDelivery(store, at, id, {
    state: "failed",
    error: { code: "FERRY_HELD", message, cause: undefined, hint: catalogue.FERRY_HELD.hint },
  });
  appendAudit(store.db, at, {
    action: "resolved",
    subject: subjectOf(row),
    detail: `resend, as run ${again}: ${note}`,
  });
  return again;
}

function heldRow(store: Store, id: number): DeliveryRow {
  const row = selectDelivery(store.db, id);
  if (row?.state === "held") return row;
  throw new AgentError("FERRY_NOT_FOUND", `there is no held delivery ${id}`, { hint: "see `ferry job held`" });
}

function sourceOf(row: DeliveryRow): string {
  return row.direction === "upload" ? row.local_path : row.remote_path;
}

function subjectOf(row: DeliveryRow): string {
  return `run ${row.run_id}: ${row.direction === "upload" ? row.remote_path : row.local_path}`;
}
