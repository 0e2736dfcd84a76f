import type { Database } from "better-sqlite3";
import type { Arrival } from "../../runs/history.js";
import type { FileIdentity } from "../../tasks/files.js";
import { all } from "./statements.js";

/** One statement, so that nothing comes to be wanted between two looks. */
export function selectWantedWork(db: Database): number[] {
  const rows = all<{ id: number }>(
    db,
    `WITH RECURSIVE wanting (id, continues) AS (
       SELECT id, continues FROM run_rows WHERE state IN ('queued', 'running') OR id IN (
         SELECT run_id FROM delivery_rows WHERE state NOT IN ('delivered', 'unverified', 'failed', 'skipped'))
       UNION SELECT r.id, r.continues FROM run_rows r JOIN wanting w ON r.id = w.continues)
     SELECT id FROM wanting WHERE continues IS NULL`,
  );
  return rows.map((row) => row.id);
}

export function selectArrivals(db: Database, job: string, path: string, identity: FileIdentity): Arrival[] {
  const rows = all<{ whole: number; movedTo: string | null }>(
    db,
    `SELECT r.state = 'succeeded' AND r.resend IS NULL AS whole, d.disposed_to AS movedTo
     FROM delivery_sources s JOIN delivery_rows d ON d.id = s.delivery_id JOIN run_rows r ON r.id = d.run_id
     WHERE s.path = @path AND s.size = @size AND s.mtime_ns = @mtimeNs AND s.ino = @ino
       AND d.state = 'delivered' AND d.direction = 'upload' AND r.job = @job`,
    { job, path, size: identity.size, mtimeNs: identity.mtimeNs, ino: identity.ino },
  );
  return rows.map(({ whole, movedTo }) => ({ whole: whole === 1, movedTo }));
}
