import type { Database } from "better-sqlite3";
import { catalogue } from "../../base/error-catalogue.js";
import type { ErrorRecord } from "../../base/errors.js";
import type { InterruptedRun } from "../../runs/ports.js";
import { adoptOpen, closeOpen } from "./deliveries.js";
import { appendEvent } from "./events.js";
import { handOverAll } from "./mark-rows.js";
import { addRun } from "./new-run.js";
import { finishRun, type RunRow, selectRunsIn, toNewRun } from "./run-rows.js";
import { closeSessions } from "./session-rows.js";
import type { Store } from "./store.js";
import { interruptTasks, selectRunningTask } from "./task-rows.js";

type MayContinue = (run: InterruptedRun) => boolean;

/** Ends what a process that died left running, or one run that could not be recorded; within a transaction. */
export function recover(
  store: Store,
  at: string,
  mayContinue: MayContinue,
  only: number | undefined,
): InterruptedRun[] {
  const found = selectRunsIn(store.db, "running").filter((run) => only === undefined || run.id === only);
  return found.map((run) => recoverRun(store, at, run, mayContinue));
}

/** The runs that are going on. */
export function left(db: Database): InterruptedRun[] {
  return selectRunsIn(db, "running").map((run) => leftRun(db, run));
}

function leftRun(db: Database, { id, job, continuations }: RunRow): InterruptedRun {
  return { id, job, task: selectRunningTask(db, id), continuations, continuedBy: undefined };
}

function recoverRun(store: Store, at: string, run: RunRow, mayContinue: MayContinue): InterruptedRun {
  const { db } = store;
  const found = leftRun(db, run);
  const { task } = found;
  const continuedBy = mayContinue(found) ? continueRun(store, at, run) : undefined;
  const told = continuedBy === undefined ? {} : { reason: `continued by run ${continuedBy}` };
  if (continuedBy === undefined)
    closeOpen(store, at, run.id, interrupted("the process ended while the run was going on"));
  else adoptOpen(store, at, run.id, continuedBy, interrupted(`continued by run ${continuedBy}`));

  const error = interrupted("the process ended while the run was going on");
  interruptTasks(db, at, run.id, error);
  closeSessions(db, at, run.id);
  finishRun(db, at, run.id, { state: "interrupted", error, errorTask: task?.id, ...told });
  appendEvent(db, at, "run-interrupted", run.id, { task, continuedBy, error });
  return { ...found, continuedBy };
}

function continueRun(store: Store, at: string, run: RunRow): number {
  const before = toNewRun(run);
  const id = addRun(
    store,
    at,
    // It began in time: that is all that `usefulUntil` asks.
    { ...before, key: `continue:${run.id}`, attempt: run.attempt + 1, continues: run.id, usefulUntil: undefined },
    { state: "queued", reason: `continues run ${run.id}, which was interrupted`, continuations: run.continuations + 1 },
  );
  if (id === undefined) throw new Error(`run ${run.id} is running although it was continued`);
  handOverAll(store.db, run.id, id);
  return id;
}

function interrupted(message: string): ErrorRecord {
  return { code: "FERRY_INTERRUPTED", message, cause: undefined, hint: catalogue.FERRY_INTERRUPTED.hint };
}
