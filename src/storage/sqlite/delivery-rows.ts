import { basename, posix } from "node:path";
import type { Database } from "better-sqlite3";
import type { ErrorRecord } from "../../base/errors.js";
import type { DeliverySummary } from "../../runs/ports.js";
import type { Delivery, DeliverySource, DeliveryState, NewDelivery } from "../../tasks/ledger.js";
import { type ErrorColumns, errorColumns, errorOf } from "./masking.js";
import { dateOf, type Work } from "./run-rows.js";
import { all, change, insert, one } from "./statements.js";

export interface DeliveryRow extends ErrorColumns {
  readonly id: number;
  readonly run_id: number;
  readonly task: string;
  readonly connection: string;
  readonly direction: "upload" | "download";
  readonly local_path: string;
  readonly remote_path: string;
  readonly temporary_path: string;
  readonly source: string;
  readonly state: DeliveryState;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly verified_by: string | null;
  readonly reply: string | null;
  readonly planned_at: string;
  readonly started_at: string | null;
  readonly delivered_at: string | null;
  readonly disposed_at: string | null;
}

const OPEN = "('planned', 'sending', 'sent', 'receiving', 'received', 'publishing')";

export function insertDelivery(db: Database, at: string, run: number, task: string, planned: NewDelivery): number {
  const id = insert(
    db,
    `INSERT INTO delivery_rows (run_id, task, connection, direction, local_path, local_name, remote_path, remote_name,
       temporary_path, source, state, planned_at)
     VALUES (@run, @task, @connection, @direction, @localPath, @localName, @remotePath, @remoteName,
       @temporaryPath, @source, 'planned', @at)`,
    { ...planned, ...names(planned), run, task, at },
  );
  insertSources(db, id, planned.source);
  return id;
}

/** The same delivery as a row of another run: as it is, or planned anew. */
export function adoptDelivery(db: Database, at: string, id: number, run: number, how: "as-it-is" | "anew"): number {
  const adopted = insert(
    db,
    `INSERT INTO delivery_rows (run_id, task, connection, direction, local_path, local_name, remote_path, remote_name,
       temporary_path, source, state, bytes, sha256, verified_by, reply, resumed_from, planned_at, started_at, adopted_from)
     SELECT @run, task, connection, direction, local_path, local_name, remote_path, remote_name, temporary_path, source,
       iif(@anew, 'planned', state), iif(@anew, NULL, bytes), iif(@anew, NULL, sha256), iif(@anew, NULL, verified_by),
       iif(@anew, NULL, reply), iif(@anew, NULL, resumed_from), iif(@anew, @at, planned_at), iif(@anew, NULL, started_at), id
     FROM delivery_rows WHERE id = @id`,
    { id, run, at, anew: how === "anew" },
  );
  change(
    db,
    `INSERT INTO delivery_sources SELECT @adopted, path, made, size, mtime_ns, ino, dev
     FROM delivery_sources WHERE delivery_id = @id`,
    { adopted, id },
  );
  return adopted;
}

export interface DeliveryValues {
  readonly state: DeliveryState;
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
  readonly verifiedBy: string | undefined;
  readonly reply: string | undefined;
  readonly error: ErrorRecord | undefined;
  readonly localPath: string;
  readonly remotePath: string;
  readonly temporaryPath: string;
  readonly startedAt: string | null;
  readonly endedAt: string | undefined;
  readonly deliveredAt: string | undefined;
}

export function updateDelivery(db: Database, id: number, values: DeliveryValues): void {
  change(
    db,
    `UPDATE delivery_rows SET state = @state, bytes = @bytes, sha256 = @sha256, verified_by = @verifiedBy, reply = @reply,
       error_code = @code, error = @error, cause = @cause, hint = @hint,
       local_path = @localPath, local_name = @localName, remote_path = @remotePath, remote_name = @remoteName,
       temporary_path = @temporaryPath, started_at = @startedAt, ended_at = @endedAt, delivered_at = @deliveredAt
     WHERE id = @id`,
    { ...values, ...names(values), ...errorColumns(values.error), id },
  );
}

export function updateSource(db: Database, id: number, source: DeliverySource): void {
  change(db, "UPDATE delivery_rows SET source = @source WHERE id = @id", { id, source });
  change(db, "DELETE FROM delivery_sources WHERE delivery_id = @id", { id });
  insertSources(db, id, source);
}

export function insertState(db: Database, at: string, event: number, id: number, state: DeliveryState): void {
  const sql = "INSERT INTO delivery_states (event_id, delivery_id, state, at) VALUES (@event, @id, @state, @at)";
  change(db, sql, { event, id, state, at });
}

export function setDisposed(db: Database, at: string, event: number, id: number, to: string | undefined): void {
  const sql = `UPDATE delivery_rows SET disposed_at = @at, disposed_to = @to, disposed_event = @event,
    error_code = NULL, error = NULL, cause = NULL, hint = NULL WHERE id = @id`;
  change(db, sql, { id, at, to, event });
}

/** What is wrong after the end, without a change of the state: the source could not be put away. */
export function setAfterthought(db: Database, id: number, error: ErrorRecord): void {
  const sql =
    "UPDATE delivery_rows SET error_code = @code, error = @error, cause = @cause, hint = @hint WHERE id = @id";
  change(db, sql, { ...errorColumns(error), id });
}

export function selectDelivery(db: Database, id: number): DeliveryRow | undefined {
  return one<DeliveryRow>(db, "SELECT * FROM delivery_rows WHERE id = @id", { id });
}

/** Of a run, or of one task of it. */
export function selectOpen(db: Database, run: number, task?: string): DeliveryRow[] {
  const sql = `SELECT * FROM delivery_rows
    WHERE run_id = @run AND task = coalesce(@task, task) AND state IN ${OPEN} ORDER BY id`;
  return all<DeliveryRow>(db, sql, { run, task });
}

/**
 * Of a task in several runs, and the delivery `resend` that they are about. What another run took over is given as that run
 * left it, so that nothing is sent twice; but what a run outside of these has still open is its own.
 */
export function selectOfTask(db: Database, { runs, resend }: Work, task: string): DeliveryRow[] {
  return all<DeliveryRow>(
    db,
    `WITH RECURSIVE
       known (id) AS (
         SELECT id FROM delivery_rows
         WHERE task = @task AND (run_id IN (SELECT value FROM json_each(@runs)) OR id = @resend)
         UNION SELECT later.id FROM delivery_rows later JOIN known ON later.adopted_from = known.id),
       seen AS (
         SELECT d.* FROM delivery_rows d JOIN known USING (id)
         WHERE d.run_id IN (SELECT value FROM json_each(@runs)) OR d.state NOT IN ${OPEN})
     SELECT * FROM seen WHERE id NOT IN (SELECT adopted_from FROM seen WHERE adopted_from IS NOT NULL) ORDER BY id`,
    { task, runs, resend },
  );
}

/** The held delivery that `file` names: by a path rather than by a base name. */
export function selectHeld(db: Database, run: number, file: string): DeliveryRow | undefined {
  return one<DeliveryRow>(
    db,
    `SELECT * FROM delivery_rows WHERE run_id = @run AND state = 'held'
       AND @file IN (local_path, remote_path, local_name, remote_name)
     ORDER BY @file IN (local_path, remote_path) DESC, id LIMIT 1`,
    { run, file },
  );
}

/** How the deliveries of a run ended. */
export function selectSummary(db: Database, run: number): DeliverySummary {
  const counts = one<DeliverySummary>(
    db,
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

export function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    runId: row.run_id,
    task: row.task,
    connection: row.connection,
    direction: row.direction,
    localPath: row.local_path,
    remotePath: row.remote_path,
    temporaryPath: row.temporary_path,
    source: JSON.parse(row.source),
    state: row.state,
    bytes: row.bytes ?? undefined,
    sha256: row.sha256 ?? undefined,
    verifiedBy: row.verified_by ?? undefined,
    reply: row.reply ?? undefined,
    error: errorOf(row),
    deliveredAt: dateOf(row.delivered_at),
    disposedAt: dateOf(row.disposed_at),
  };
}

function names(paths: { readonly localPath: string; readonly remotePath: string }) {
  return { localName: basename(paths.localPath), remoteName: posix.basename(paths.remotePath) };
}

function insertSources(db: Database, id: number, source: DeliverySource): void {
  if (!("file" in source)) return;
  const { path, identity, origins } = source.file;
  const files = [{ path, identity, made: 0 }, ...origins.map((origin) => ({ ...origin, made: 1 }))];
  for (const { path: of, identity: version, made } of files) {
    change(
      db,
      `INSERT OR IGNORE INTO delivery_sources (delivery_id, path, made, size, mtime_ns, ino, dev)
       VALUES (@id, @of, @made, @size, @mtimeNs, @ino, @dev)`,
      { ...version, id, of, made },
    );
  }
}
