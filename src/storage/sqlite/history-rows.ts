import type { ErrorCode } from "../../base/errors.js";
import type {
  DeliveryRecord,
  ErrorFields,
  LineRecord,
  RunRecord,
  SessionRecord,
  TaskRecord,
  TransferRecord,
} from "../../runs/history.js";

/** What a statement gives that names its columns as the record does, with the error's apart. */
type Flat<Record> = Omit<Record, "error"> & FlatError;

interface FlatError {
  readonly errorCode: ErrorCode | null;
  readonly error: string | null;
  readonly cause: string | null;
  readonly hint: string | null;
  readonly errorTask: string | null;
}

export type RunColumns = Omit<Flat<RunRecord>, "late"> & { readonly late: number };
export type TaskColumns = Flat<TaskRecord>;
export type TransferColumns = Flat<TransferRecord>;
export type DeliveryColumns = Flat<DeliveryRecord>;
export type SessionColumns = Omit<SessionRecord, "resumed"> & { readonly resumed: number | null };

/** The names of the views, and what they leave out. */
export const RUN = `r.id, r.job, r.state, r.trigger, r.scheduled_at AS scheduledAt, r.started_at AS startedAt,
  r.finished_at AS finishedAt, r.duration_ms AS durationMs, r.attempt, r.files, r.bytes, r.late, r.reason,
  r.error_code AS errorCode, r.error, r.cause, r.hint, b.error_task AS errorTask, b.continues,
  (SELECT max(id) FROM run_rows n WHERE n.continues = b.id AND n.resend IS b.resend) AS continuedBy
  FROM run_rows b JOIN runs r ON r.id = b.id`;

export const TASK = `b.task AS id, b.kind, b.state, b.attempts, b.started_at AS startedAt, t.duration_ms AS durationMs,
  b.error_code AS errorCode, b.error, b.cause, b.hint, b.task AS errorTask
  FROM task_rows b JOIN task_runs t ON t.run_id = b.run_id AND t.task = b.task`;

export const TRANSFER = `task, connection, direction, local_path AS localPath, remote_path AS remotePath,
  temporary_path AS temporaryPath, bytes, sha256, state, started_at AS startedAt,
  CASE WHEN started_at IS NOT NULL AND ended_at IS NOT NULL
    THEN max(0, CAST(round((julianday(ended_at) - julianday(started_at)) * 86400000) AS INTEGER)) END AS durationMs,
  resumed_from AS resumedFrom, verified_by AS verifiedBy, reply,
  error_code AS errorCode, error, cause, hint, task AS errorTask FROM delivery_rows`;

export const DELIVERY = `d.local_path AS localPath, d.remote_path AS remotePath, d.connection, r.job, d.run_id AS run, d.task,
  d.bytes, d.sha256, d.state, d.planned_at AS plannedAt, d.delivered_at AS deliveredAt, d.reply,
  d.error_code AS errorCode, d.error, d.cause, d.hint, d.task AS errorTask
  FROM delivery_rows d JOIN run_rows r ON r.id = d.run_id`;

export const SESSION = `session, connection, address, tls_version AS tlsVersion, cipher, resumed,
  certificate_sha256 AS certificateSha256, host_key_sha256 AS hostKeySha256, opened_at AS openedAt, closed_at AS closedAt
  FROM session_rows`;

export const LINE = "line AS cursor, at, session, channel, direction, text, task FROM command_rows";
export type LineColumns = LineRecord;

export function toRun({ late, ...row }: RunColumns): RunRecord {
  return { ...withError(row), late: late === 1 };
}

export function toSession(row: SessionColumns): SessionRecord {
  return { ...row, resumed: row.resumed === null ? null : row.resumed === 1 };
}

/** The columns of the error as one value; null where there is none. */
export function withError<Row extends FlatError>(row: Row): Omit<Row, keyof FlatError> & { error: ErrorFields | null } {
  const { errorCode, error, cause, hint, errorTask, ...rest } = row;
  if (errorCode === null) return { ...rest, error: null };
  return { ...rest, error: { code: errorCode, message: error ?? "", cause, hint, task: errorTask } };
}
