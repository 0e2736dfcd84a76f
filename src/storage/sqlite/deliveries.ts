import { catalogue } from "../../base/error-catalogue.js";
import type { ErrorRecord } from "../../base/errors.js";
import { isOpen, mayFollow } from "../../tasks/delivery-states.js";
import type { Delivery, DeliveryChange, DeliveryState, NewDelivery } from "../../tasks/ledger.js";
import {
  adoptDelivery,
  type DeliveryRow,
  type DeliveryValues,
  insertDelivery,
  insertState,
  selectDelivery,
  selectOpen,
  setAfterthought,
  setDisposed,
  toDelivery,
  updateDelivery,
  updateSource,
} from "./delivery-rows.js";
import { appendEvent } from "./events.js";
import { maskError } from "./masking.js";
import { selectRun } from "./run-rows.js";
import type { Store } from "./store.js";

/** A new delivery, with its event; to be called within a transaction, like everything here. */
export function planDelivery(store: Store, at: string, run: number, task: string, planned: NewDelivery): Delivery {
  const { db } = store;
  const id = insertDelivery(db, at, run, task, planned);
  insertState(db, at, appendEvent(db, at, "delivery-planned", run, { delivery: id, task, ...planned }), id, "planned");
  return toDelivery(existing(store, id));
}

/** The delivery in its next state. One that cannot follow is a bug, except what became of the source after the end. */
export function advanceDelivery(store: Store, at: string, id: number, change: DeliveryChange): Delivery {
  const { db } = store;
  const row = existing(store, id);
  const error = change.error === undefined ? undefined : maskError(store.mask, change.error);
  const reply = change.reply === undefined ? undefined : store.mask(change.reply);
  const event = appendEvent(db, at, "delivery-state", row.run_id, { delivery: id, ...change, error, reply });
  if (error?.code === "FERRY_DISPOSAL_FAILED" && change.state === row.state) {
    setAfterthought(db, id, error);
    return toDelivery(existing(store, id));
  }
  if (!mayFollow(row.state, change.state))
    throw new Error(`delivery ${id} is ${row.state}, it cannot become ${change.state}`);
  updateDelivery(db, id, valuesAfter(row, at, { ...change, ...(reply === undefined ? {} : { reply }) }, error));
  if (change.source !== undefined) updateSource(db, id, change.source);
  insertState(db, at, event, id, change.state);
  return toDelivery(existing(store, id));
}

export function disposeOf(store: Store, at: string, id: number, to: string | undefined): void {
  const row = existing(store, id);
  if (row.state !== "delivered" && row.state !== "unverified") {
    throw new Error(`delivery ${id} is ${row.state}: its source must not be disposed of`);
  }
  setDisposed(store.db, at, appendEvent(store.db, at, "source-disposed", row.run_id, { delivery: id, to }), id, to);
}

/** What a run, or one task of it, leaves open: in doubt when the final name may exist, else failed. */
export function closeOpen(
  store: Store,
  at: string,
  run: number,
  error: ErrorRecord,
  task?: string,
): { readonly held: number; readonly failed: number } {
  const isResent = (selectRun(store.db, run)?.resend ?? undefined) !== undefined;
  const closed = { held: 0, failed: 0 };
  for (const row of selectOpen(store.db, run, task)) {
    const state = isResent || row.state === "publishing" ? "held" : "failed";
    advanceDelivery(store, at, row.id, { state, error: state === "held" ? heldBecause(row, error) : error });
    closed[state] += 1;
  }
  return closed;
}

/** A continuing run takes over what was open, as it is; in the old run it has failed. */
export function adoptOpen(store: Store, at: string, from: number, to: number, error: ErrorRecord): void {
  for (const row of selectOpen(store.db, from)) {
    adopt(store, at, row, to, "as-it-is");
    advanceDelivery(store, at, row.id, { state: "failed", error });
  }
}

/** The delivery again, from its beginning, as a row of `run`. One that arrived stays where it is, and is never sent again. */
export function adoptUnlessArrived(store: Store, at: string, id: number, run: number): void {
  const row = existing(store, id);
  if (row.state !== "delivered") adopt(store, at, row, run, "anew");
}

function adopt(store: Store, at: string, row: DeliveryRow, run: number, how: "as-it-is" | "anew"): void {
  const { db } = store;
  const state: DeliveryState = how === "anew" ? "planned" : row.state;
  const id = adoptDelivery(db, at, row.id, run, how);
  insertState(db, at, appendEvent(db, at, "delivery-adopted", run, { delivery: id, from: row.id, state }), id, state);
}

function existing(store: Store, id: number): DeliveryRow {
  const row = selectDelivery(store.db, id);
  if (!row) throw new Error(`there is no delivery ${id}`);
  return row;
}

function valuesAfter(
  row: DeliveryRow,
  at: string,
  change: DeliveryChange,
  error: ErrorRecord | undefined,
): DeliveryValues {
  const begins = change.state === "sending" || change.state === "receiving";
  // What an earlier try found out is not true of a new one.
  const before =
    begins || change.state === "planned" ? { bytes: null, sha256: null, verified_by: null, reply: null } : row;
  const keepsError = change.state === "failed" || change.state === "held" || change.state === "skipped";
  return {
    state: change.state,
    bytes: change.bytes ?? before.bytes ?? undefined,
    sha256: change.sha256 ?? before.sha256 ?? undefined,
    verifiedBy: change.verifiedBy ?? before.verified_by ?? undefined,
    reply: change.reply ?? before.reply ?? undefined,
    error: keepsError ? error : undefined,
    localPath: change.localPath ?? row.local_path,
    remotePath: change.remotePath ?? row.remote_path,
    temporaryPath: change.temporaryPath ?? row.temporary_path,
    startedAt: begins ? at : row.started_at,
    endedAt: isOpen(change.state) ? undefined : at,
    deliveredAt: change.state === "delivered" ? at : undefined,
  };
}

function heldBecause(row: DeliveryRow, error: ErrorRecord): ErrorRecord {
  const target = row.direction === "upload" ? row.remote_path : row.local_path;
  const message =
    row.state === "publishing"
      ? `${target}: it was being put under its final name, and nothing says whether it was`
      : `${target}: it was not sent again, and whether it had arrived before is as open as it was`;
  return { code: "FERRY_HELD", message, cause: error.message, hint: catalogue.FERRY_HELD.hint };
}
