import { existsSync } from "node:fs";
import type { Database } from "better-sqlite3";
import type { DeliveryFilter, DeliveryRecord, LineFilter, RunHistory, RunRecord } from "../../runs/history.js";
import { connect } from "./connect.js";
import { BUSY_TIMEOUT_MS, refuseForeign } from "./database.js";
import { openingError, storageError } from "./errors.js";
import { deliveriesWhere, pathMatcher, runsWhere } from "./history-filters.js";
import {
  DELIVERY,
  type DeliveryColumns,
  LINE,
  type LineColumns,
  RUN,
  type RunColumns,
  SESSION,
  type SessionColumns,
  TASK,
  type TaskColumns,
  TRANSFER,
  type TransferColumns,
  toRun,
  toSession,
  withError,
} from "./history-rows.js";
import { all, one } from "./statements.js";
import { selectArrivals, selectWantedWork } from "./work-rows.js";

/** Reads the history, also while the agent writes it. Where there is none yet it is empty, until there is one. */
export function openHistory(file: string): RunHistory {
  let db: Database | undefined;
  const read = <T>(empty: T, question: (db: Database) => T): T => {
    db ??= openReader(file);
    if (!db) return empty;
    try {
      return question(db);
    } catch (error) {
      throw storageError(error, file);
    }
  };
  return {
    async runs(filter) {
      const { sql, parameters } = runsWhere(filter);
      const text = `SELECT ${RUN} ${sql} ORDER BY b.id DESC LIMIT @limit`;
      return read([], (from) => all<RunColumns>(from, text, parameters)).map(toRun);
    },
    async run(id) {
      const row = read(undefined, (from) => one<RunColumns>(from, `SELECT ${RUN} WHERE b.id = @id`, { id }));
      return row && toRun(row);
    },
    async tasks(run) {
      const sql = `SELECT ${TASK} WHERE b.run_id = @run ORDER BY b.position`;
      return read([], (from) => all<TaskColumns>(from, sql, { run })).map(withError);
    },
    async transfers(run) {
      const sql = `SELECT ${TRANSFER} WHERE run_id = @run ORDER BY id`;
      return read([], (from) => all<TransferColumns>(from, sql, { run })).map(withError);
    },
    async sessions(run) {
      const sql = `SELECT ${SESSION} WHERE run_id = @run ORDER BY session`;
      return read([], (from) => all<SessionColumns>(from, sql, { run })).map(toSession);
    },
    lines: async (filter) => read([], (from) => selectLines(from, filter)),
    deliveries: async (filter) => read([], (from) => from.transaction(() => selectDeliveries(from, filter))()),
    async lastRuns() {
      const sql = `SELECT ${RUN} WHERE b.id IN (SELECT max(id) FROM run_rows GROUP BY job)`;
      const runs = read([], (from) => all<RunColumns>(from, sql)).map(toRun);
      return new Map<string, RunRecord>(runs.map((run) => [run.job, run]));
    },
    wantedWork: async () => new Set(read([], selectWantedWork)),
    arrivals: async (job, path, identity) => read([], (from) => selectArrivals(from, job, path, identity)),
    close() {
      db?.close();
      db = undefined;
    },
  };
}

function openReader(file: string): Database | undefined {
  if (!existsSync(file)) return undefined;
  let db: Database | undefined;
  try {
    db = connect(file, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    refuseForeign(db, file);
    return db;
  } catch (error) {
    db?.close();
    throw openingError(error, file);
  }
}

function selectLines(db: Database, filter: LineFilter): LineColumns[] {
  const { run, after = 0, session, task } = filter;
  return all<LineColumns>(
    db,
    `SELECT ${LINE} WHERE run_id = @run AND line > @after AND (@session IS NULL OR session = @session)
       AND (@task IS NULL OR task = @task) ORDER BY line`,
    { run, after, session, task },
  );
}

/** SQL narrows down, the glob decides. */
function selectDeliveries(db: Database, filter: DeliveryFilter): DeliveryRecord[] {
  const { sql, parameters } = deliveriesWhere(filter);
  const matches = filter.glob === undefined ? () => true : pathMatcher(filter.glob);
  const found: DeliveryRecord[] = [];
  const text = `SELECT ${DELIVERY} ${sql} ORDER BY d.id DESC LIMIT ${PAGE} OFFSET @skipped`;
  for (let skipped = 0; ; skipped += PAGE) {
    const page = all<DeliveryColumns>(db, text, { ...parameters, skipped });
    for (const row of page) {
      if (found.length >= filter.limit) return found;
      if (matches(row.localPath) || matches(row.remotePath)) found.push(withError(row));
    }
    if (page.length < PAGE) return found;
  }
}

/** Not all at once: somebody may have sent millions of files. */
const PAGE = 10_000;
