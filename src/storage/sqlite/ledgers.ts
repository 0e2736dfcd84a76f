import { catalogue } from "../../base/error-catalogue.js";
import { AgentError } from "../../base/errors.js";
import type { DeliverySummary, Ledgers } from "../../runs/ports.js";
import type { Ledger } from "../../tasks/ledger.js";
import { advanceDelivery, closeOpen, disposeOf, planDelivery } from "./deliveries.js";
import { type DeliveryRow, selectDelivery, selectHeld, selectOfTask, toDelivery } from "./delivery-rows.js";
import { appendAudit } from "./events.js";
import { maskError } from "./masking.js";
import { addRun } from "./new-run.js";
import { selectRun, selectWork, toNewRun } from "./run-rows.js";
import { one } from "./statements.js";
import type { Store } from "./store.js";

export function createLedgers(store: Store): Ledgers {
  const { db } = store;
  return {
    of: (run, task) => createLedger(store, run, task),
    closeOpen: async (run, error, task) =>
      store.write((at) => closeOpen(store, at, run, maskError(store.mask, error), task)),
    summary: async (run) => store.read(() => summary(store, run)),
    held: async (run, file) => {
      const row = store.read(() => selectHeld(db, run, file));
      return row && { id: row.id, run: row.run_id, task: row.task };
    },
    resolveDelivered: async (id, note) => store.write((at) => resolveDelivered(store, at, id, store.mask(note))),
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

function summary(store: Store, run: number): DeliverySummary {
  const counts = one<DeliverySummary>(
    store.db,
    `SELECT count(*) FILTER (WHERE state = 'delivered') AS delivered,
       coalesce(sum(bytes) FILTER (WHERE state = 'delivered'), 0) AS bytes,
       count(*) FILTER (WHERE state = 'unverified') AS unverified,
       count(*) FILTER (WHERE state = 'held') AS held,
       count(*) FILTER (WHERE state = 'failed') AS failed,
       count(*) FILTER (WHERE state = 'skipped') AS skipped,
       count(*) FILTER (WHERE error_code = 'FERRY_DISPOSAL_FAILED') AS undisposed
     FROM delivery_rows WHERE run_id = @run`,
    { run },
  );
  return counts ?? { delivered: 0, bytes: 0, unverified: 0, held: 0, failed: 0, skipped: 0, undisposed: 0 };
}

function resolveDelivered(store: Store, at: string, id: number, note: string): void {
  const row = heldRow(store, id);
  advanceDelivery(store, at, id, { state: "delivered", verifiedBy: "person" });
  appendAudit(store.db, at, { action: "resolved", subject: subjectOf(row), detail: `as delivered: ${note}` });
}

function resolveResend(store: Store, at: string, id: number, note: string): number {
  const row = heldRow(store, id);
  const run = selectRun(store.db, row.run_id);
  if (!run) throw new Error(`delivery ${id} has no run`);
  const again = addRun(
    store,
    at,
    {
      ...toNewRun(run),
      trigger: "manual",
      triggerId: "manual",
      key: `resend:${id}`,
      scheduledAt: undefined,
      usefulUntil: undefined,
      attempt: run.attempt + 1,
      continues: run.id,
      resend: id,
    },
    { state: "queued", reason: `sends ${row.local_path} of run ${run.id} again`, continuations: 0 },
  );
  if (again === undefined) throw new Error(`delivery ${id} is held although it is sent again`);
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

function subjectOf(row: DeliveryRow): string {
  return `run ${row.run_id}: ${row.direction === "upload" ? row.remote_path : row.local_path}`;
}
