import type { NewRun } from "../../runs/ports.js";
import { adoptUnlessArrived } from "./deliveries.js";
import { appendEvent } from "./events.js";
import { type Beginning, insertRun, selectRunByKey } from "./run-rows.js";
import type { Store } from "./store.js";

/** Inserts a run with its event; undefined when there is one of the same key. */
export function addRun(store: Store, at: string, run: NewRun, beginning: Beginning): number | undefined {
  const { db } = store;
  // Asked first, because an insertion that is refused would use up a number.
  if (selectRunByKey(db, run.job, run.triggerId, run.key)) return undefined;
  const id = insertRun(db, at, run, beginning);
  appendEvent(db, at, "run-queued", id, { ...run, ...beginning });
  if (run.resend !== undefined && beginning.continuations === 0) adoptUnlessArrived(store, at, run.resend, id);
  return id;
}
