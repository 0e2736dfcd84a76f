import type { Database } from "better-sqlite3";
import type { ErrorRecord } from "../../base/errors.js";
import type { StoredResult } from "../../runs/ports.js";
import type { TaskState } from "../../runs/run.js";
import { type ErrorColumns, errorColumns } from "./masking.js";
import { all, change, one } from "./statements.js";

export interface TaskRow extends ErrorColumns {
  readonly run_id: number;
  readonly task: string;
  readonly kind: string;
  readonly state: TaskState;
  readonly result: string | null;
}

const NEXT_POSITION = "(SELECT count(*) FROM task_rows WHERE run_id = @run)";

/** A further attempt keeps the start of the first. */
export function startTask(db: Database, at: string, run: number, task: string, kind: string, attempt: number): void {
  change(
    db,
    `INSERT INTO task_rows (run_id, task, position, kind, state, attempts, started_at)
     VALUES (@run, @task, ${NEXT_POSITION}, @kind, 'running', @attempt, @at)
     ON CONFLICT (run_id, task) DO UPDATE SET state = 'running', attempts = @attempt, started_at = coalesce(started_at, @at),
       finished_at = NULL, error_code = NULL, error = NULL, cause = NULL, hint = NULL, result = NULL`,
    { run, task, kind, attempt, at },
  );
}

export interface TaskEnd {
  readonly state: TaskState;
  readonly attempts: number;
  readonly error: ErrorRecord | undefined;
  readonly result: StoredResult | undefined;
}

/** Also of a task that never began, because a condition said so. */
export function finishTask(db: Database, at: string, run: number, task: string, kind: string, end: TaskEnd): void {
  change(
    db,
    `INSERT INTO task_rows (run_id, task, position, kind, state, attempts, finished_at, error_code, error, cause, hint, result)
     VALUES (@run, @task, ${NEXT_POSITION}, @kind, @state, @attempts, @at, @code, @error, @cause, @hint, @result)
     ON CONFLICT (run_id, task) DO UPDATE SET state = @state, attempts = @attempts, finished_at = @at,
       error_code = @code, error = @error, cause = @cause, hint = @hint, result = @result`,
    { ...end, ...errorColumns(end.error), run, task, kind, at },
  );
}

export function interruptTasks(db: Database, at: string, run: number, error: ErrorRecord): void {
  change(
    db,
    `UPDATE task_rows SET state = 'interrupted', finished_at = @at, error_code = @code, error = @error, cause = @cause,
       hint = @hint WHERE run_id = @run AND state = 'running'`,
    { ...errorColumns(error), run, at },
  );
}

export function selectRunningTask(db: Database, run: number): { id: string; kind: string } | undefined {
  const sql = `SELECT task AS id, kind FROM task_rows WHERE run_id = @run AND state = 'running'
    ORDER BY position DESC LIMIT 1`;
  return one(db, sql, { run });
}

export function selectTasks(db: Database, run: number): TaskRow[] {
  return all<TaskRow>(db, "SELECT * FROM task_rows WHERE run_id = @run ORDER BY position", { run });
}
