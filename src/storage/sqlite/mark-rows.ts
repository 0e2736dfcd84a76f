import type { Database } from "better-sqlite3";
import type { FileVersion, WatchedFile } from "../../scheduler/trigger.js";
import { all, change, one } from "./statements.js";

export interface VersionRow {
  readonly path: string;
  readonly size: number;
  readonly mtime_ns: string;
  readonly ctime_ns: string;
  readonly ino: string;
  readonly dev: string;
}

export function selectMark(db: Database, job: string, trigger: string): { instant: string | null } | undefined {
  return one(db, "SELECT instant FROM mark_rows WHERE job = @job AND trigger_id = @trigger", { job, trigger });
}

/** Remembers the trigger, and the instant when one is given. */
export function moveMark(db: Database, job: string, trigger: string, instant: Date | undefined): void {
  const sql = `INSERT INTO mark_rows (job, trigger_id, instant) VALUES (@job, @trigger, @instant)
    ON CONFLICT (job, trigger_id) DO UPDATE SET instant = coalesce(excluded.instant, instant)`;
  change(db, sql, { job, trigger, instant });
}

/** Without a run, nothing is left to be done for the version. */
export function takeVersion(
  db: Database,
  taken: { job: string; trigger: string; file: WatchedFile; event: number; run: number | undefined },
): void {
  const { job, trigger, file, event, run } = taken;
  change(
    db,
    `INSERT INTO watched_versions (job, trigger_id, path, size, mtime_ns, ctime_ns, ino, dev, taken_event, run_id)
     VALUES (@job, @trigger, @path, @size, @mtimeNs, @ctimeNs, @ino, @dev, @event, @run)
     ON CONFLICT (job, trigger_id, path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,
       ctime_ns = excluded.ctime_ns, ino = excluded.ino, dev = excluded.dev, taken_event = excluded.taken_event,
       run_id = excluded.run_id`,
    { ...file.version, job, trigger, path: file.path, event, run },
  );
}

/** A further run of the job works on versions that were taken before. */
export function handOver(db: Database, job: string, file: WatchedFile, run: number): void {
  change(
    db,
    `UPDATE watched_versions SET run_id = @run
     WHERE job = @job AND path = @path AND size = @size AND mtime_ns = @mtimeNs AND ino = @ino AND dev = @dev`,
    { ...file.version, job, path: file.path, run },
  );
}

export function handOverAll(db: Database, from: number, to: number): void {
  change(db, "UPDATE watched_versions SET run_id = @to WHERE run_id = @from", { from, to });
}

export function forgetVersion(db: Database, job: string, trigger: string, path: string): void {
  const sql = "DELETE FROM watched_versions WHERE job = @job AND trigger_id = @trigger AND path = @path";
  change(db, sql, { job, trigger, path });
}

/** Not where Ferry put the file away after it was taken: one of that name is a new one, whatever it looks like. */
const TAKEN = `job = @job AND trigger_id = @trigger AND NOT EXISTS (
  SELECT 1 FROM delivery_sources s JOIN delivery_rows d ON d.id = s.delivery_id
  WHERE s.path = v.path AND d.disposed_event > v.taken_event)`;

export function selectTaken(db: Database, job: string, trigger: string): VersionRow[] {
  const sql = `SELECT path, size, mtime_ns, ctime_ns, ino, dev FROM watched_versions v WHERE ${TAKEN}`;
  return all<VersionRow>(db, sql, { job, trigger });
}

/** Whether exactly this version counts as taken. The device's number says nothing: a share mounted again gets another. */
export function isTaken(db: Database, job: string, trigger: string, { path, version }: WatchedFile): boolean {
  const sql = `SELECT 1 FROM watched_versions v WHERE ${TAKEN} AND path = @path
    AND size = @size AND mtime_ns = @mtimeNs AND ctime_ns = @ctimeNs AND ino = @ino`;
  return one(db, sql, { ...version, job, trigger, path }) !== undefined;
}

/**
 * Taken versions that no run is about to send any more, and that did not get where they should: of those that a delivery
 * was planned for since, the last run to do so has one that failed; of the others, the run that took them did not succeed.
 */
const UNFINISHED = `WITH given_up AS (
    SELECT v.path, r.state, (
      SELECT max(d.run_id) FROM delivery_sources s JOIN delivery_rows d ON d.id = s.delivery_id JOIN run_rows o ON o.id = d.run_id
      WHERE s.path = v.path AND s.size = v.size AND s.mtime_ns = v.mtime_ns AND s.ino = v.ino AND o.job = v.job
        AND (SELECT min(event_id) FROM delivery_states WHERE delivery_id = d.id) > v.taken_event) AS sender
    FROM watched_versions v JOIN run_rows r ON r.id = v.run_id
    WHERE v.job = @job AND v.trigger_id = @trigger AND r.state NOT IN ('queued', 'running'))
  SELECT path FROM given_up g WHERE iif(sender IS NULL, state <> 'succeeded', EXISTS (
    SELECT 1 FROM delivery_rows d JOIN delivery_sources s ON s.delivery_id = d.id
    WHERE d.run_id = g.sender AND s.path = g.path AND d.state = 'failed'))`;

export function selectUnfinished(db: Database, job: string, trigger: string): string[] {
  return all<{ path: string }>(db, UNFINISHED, { job, trigger }).map((row) => row.path);
}

export function isUnfinished(db: Database, job: string, trigger: string, path: string): boolean {
  return one(db, `${UNFINISHED} AND path = @path`, { job, trigger, path }) !== undefined;
}

/** Whether the run that took the path's version, or went on with it, has not ended. */
export function isUnderWay(db: Database, job: string, trigger: string, path: string): boolean {
  const sql = `SELECT 1 FROM watched_versions v JOIN run_rows r ON r.id = v.run_id
    WHERE v.job = @job AND v.trigger_id = @trigger AND v.path = @path AND r.state IN ('queued', 'running')`;
  return one(db, sql, { job, trigger, path }) !== undefined;
}

/**
 * Of the file that was sent itself, not of one that it was made into. None unless all that the job's last run with this
 * path was to deliver of it arrived.
 */
export function selectDeliveredSha256(
  db: Database,
  job: string,
  path: string,
  version: FileVersion,
): string | undefined {
  const row = one<{ sha256: string }>(
    db,
    `WITH own AS (
       SELECT d.id, d.run_id, d.state, d.sha256, s.made, s.size, s.mtime_ns, s.ino, s.dev
       FROM delivery_sources s JOIN delivery_rows d ON d.id = s.delivery_id JOIN run_rows r ON r.id = d.run_id
       WHERE s.path = @path AND r.job = @job),
     latest AS (SELECT * FROM own WHERE run_id = (SELECT max(run_id) FROM own))
     SELECT sha256 FROM latest
     WHERE made = 0 AND size = @size AND mtime_ns = @mtimeNs AND ino = @ino AND dev = @dev AND sha256 IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM latest WHERE state NOT IN ('delivered', 'unverified'))
     ORDER BY id DESC LIMIT 1`,
    { job, path, size: version.size, mtimeNs: version.mtimeNs, ino: version.ino, dev: version.dev },
  );
  return row?.sha256;
}

/** Whether a delivery of the job put its source there, as it lies there now. A copy keeps its time to the microsecond only. */
export function isPutAway(db: Database, job: string, { path, version }: WatchedFile): boolean {
  const row = one(
    db,
    `SELECT 1 FROM delivery_rows d JOIN run_rows r ON r.id = d.run_id JOIN delivery_sources s ON s.delivery_id = d.id
     WHERE d.disposed_to = @path AND d.direction = 'upload' AND r.job = @job AND s.size = @size
       AND abs(CAST(s.mtime_ns AS INTEGER) - CAST(@mtimeNs AS INTEGER)) < 2000`,
    { job, path, size: version.size, mtimeNs: version.mtimeNs },
  );
  return row !== undefined;
}
