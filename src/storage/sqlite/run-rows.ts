import type { Database } from "better-sqlite3";
import type { ErrorRecord } from "../../base/errors.js";
import type { NewRun, QueuedRun } from "../../runs/ports.js";
import { mayFollow, type RunState } from "../../runs/run.js";
import { errorColumns } from "./masking.js";
import { all, change, insert, one } from "./statements.js";

export interface RunRow {
  readonly id: number;
  readonly job: string;
  readonly state: RunState;
  readonly reason: string | null;
  readonly trigger_kind: string;
  readonly trigger_id: string;
  readonly key: string;
  readonly scheduled_at: string | null;
  readonly queued_at: string;
  readonly useful_until: string | null;
  readonly started_at: string | null;
  readonly attempt: number;
  readonly files: string | null;
  readonly vars: string;
  readonly continues: number | null;
  readonly continuations: number;
  readonly resend: number | null;
}

export interface Beginning {
  readonly state: "queued" | "skipped";
  readonly reason: string | undefined;
  readonly continuations: number;
}

export function insertRun(db: Database, at: string, run: NewRun, beginning: Beginning): number {
  const finishedAt = beginning.state === "skipped" ? at : undefined;
  return insert(
    db,
    `INSERT INTO run_rows (job, state, reason, trigger_kind, trigger_id, key, scheduled_at, queued_at, useful_until,
       finished_at, attempt, files, vars, continues, continuations, resend)
     VALUES (@job, @state, @reason, @trigger, @triggerId, @key, @scheduledAt, @at, @usefulUntil,
       @finishedAt, @attempt, @files, @vars, @continues, @continuations, @resend)`,
    { ...run, ...beginning, at, finishedAt },
  );
}

export function selectRun(db: Database, id: number): RunRow | undefined {
  return one<RunRow>(db, "SELECT * FROM run_rows WHERE id = @id", { id });
}

export function selectRunByKey(db: Database, job: string, triggerId: string, key: string): RunRow | undefined {
  const sql = "SELECT * FROM run_rows WHERE job = @job AND trigger_id = @triggerId AND key = @key";
  return one<RunRow>(db, sql, { job, triggerId, key });
}

export function selectRunsIn(db: Database, state: RunState): RunRow[] {
  return all<RunRow>(db, "SELECT * FROM run_rows WHERE state = @state ORDER BY id", { state });
}

/** False when it waits no longer. */
export function startRun(db: Database, at: string, id: number, definition: string): boolean {
  const sql = `UPDATE run_rows SET state = 'running', started_at = @at, definition = @definition
    WHERE id = @id AND state = 'queued'`;
  return change(db, sql, { id, at, definition }) === 1;
}

export interface RunEnd {
  readonly state: RunState;
  readonly reason?: string | undefined;
  readonly error?: ErrorRecord | undefined;
  readonly errorTask?: string | undefined;
  readonly late?: boolean | undefined;
}

export function finishRun(db: Database, at: string, id: number, end: RunEnd): void {
  const from = selectRun(db, id)?.state;
  if (from === undefined || !mayFollow(from, end.state))
    throw new Error(`run ${id} is ${from}, it cannot become ${end.state}`);
  const { state, reason, late, errorTask } = end;
  change(
    db,
    `UPDATE run_rows SET state = @state, finished_at = @at, reason = coalesce(@reason, reason), late = coalesce(@late, late),
       error_code = @code, error = @error, cause = @cause, hint = @hint, error_task = @errorTask WHERE id = @id`,
    { id, at, state, reason, late, errorTask, ...errorColumns(end.error) },
  );
}

/** The run and those that it goes on from, newest first. */
export function selectChain(db: Database, id: number): RunRow[] {
  return all<RunRow>(
    db,
    `WITH RECURSIVE chain (id, continues) AS (
       SELECT id, continues FROM run_rows WHERE id = @id
       UNION SELECT r.id, r.continues FROM run_rows r JOIN chain c ON r.id = c.continues)
     SELECT run_rows.* FROM run_rows JOIN chain USING (id) ORDER BY id DESC`,
    { id },
  );
}

export interface Work {
  readonly runs: readonly number[];
  /** The one delivery that it is all about. */
  readonly resend: number | null;
}

/** The runs whose deliveries are a run's own business: what is about one delivery knows of nothing else. */
export function selectWork(db: Database, id: number): Work {
  const chain = selectChain(db, id);
  const resend = chain[0]?.resend ?? null;
  return { runs: chain.filter((run) => resend === null || run.resend === resend).map((run) => run.id), resend };
}

export function toNewRun(row: RunRow): NewRun {
  return {
    job: row.job,
    trigger: row.trigger_kind,
    triggerId: row.trigger_id,
    key: row.key,
    scheduledAt: dateOf(row.scheduled_at),
    files: row.files === null ? undefined : JSON.parse(row.files),
    usefulUntil: dateOf(row.useful_until),
    vars: JSON.parse(row.vars),
    attempt: row.attempt,
    continues: row.continues ?? undefined,
    resend: row.resend ?? undefined,
  };
}

export function toQueuedRun(row: RunRow): QueuedRun {
  return { ...toNewRun(row), id: row.id, queuedAt: new Date(row.queued_at), reason: row.reason ?? undefined };
}

export function dateOf(text: string | null): Date | undefined {
  return text === null ? undefined : new Date(text);
}
