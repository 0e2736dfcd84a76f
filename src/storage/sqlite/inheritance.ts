import type { Database } from "better-sqlite3";
import type { Inheritance } from "../../runs/ports.js";
import { selectDelivery } from "./delivery-rows.js";
import { errorOf } from "./masking.js";
import { dateOf, selectChain } from "./run-rows.js";
import { selectTasks, type TaskRow } from "./task-rows.js";

/** What `run` takes over from the runs before it; undefined when it goes on from none. */
export function inheritance(db: Database, run: number): Inheritance | undefined {
  const [own, ...before] = selectChain(db, run);
  const first = before.at(-1);
  if (!own || !first) return undefined;
  const resent = own.resend === null ? undefined : selectDelivery(db, own.resend)?.task;
  // However the task that sends again ended before, it is to be done: only a run with the same purpose has done it.
  const tasks = before
    .toReversed()
    .flatMap((one) => selectTasks(db, one.id).filter(({ task }) => task !== resent || one.resend === own.resend));
  return {
    firstRun: first.id,
    startedAt: dateOf(first.started_at) ?? new Date(first.queued_at),
    tasks: ended(tasks),
    resent,
  };
}

/** The latest run that came to a task decides: what was cut off is not ended, even if an earlier try was. */
function ended(tasks: readonly TaskRow[]): Inheritance["tasks"] {
  const last = new Map(tasks.map((task) => [task.task, task]));
  const done = [...last.values()].filter((task) => task.state !== "running" && task.state !== "interrupted");
  return new Map(
    done.map((task) => {
      const result = task.result === null ? { files: [] } : JSON.parse(task.result);
      return [task.task, { state: task.state, result, error: errorOf(task) }];
    }),
  );
}
