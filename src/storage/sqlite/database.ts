import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Database } from "better-sqlite3";
import { AgentError } from "../../base/errors.js";
import { connect } from "./connect.js";
import { corrupt, openingError } from "./errors.js";
import { APPLICATION_ID, applicationOf, migrate, SCHEMA_VERSION, versionOf } from "./migrations.js";

/** How long a statement waits for another program's lock; the whole process waits with it. */
export const BUSY_TIMEOUT_MS = 2000;

/**
 * Opens the history for the one process that writes, and creates it when there is none. Damage, a foreign file and a newer
 * schema are refused with the file as it was; it is never replaced by an empty one.
 */
export function openDatabase(file: string): Database {
  try {
    if (!existsSync(file)) createDatabase(file);
    restrict(file);
    inspect(file);
    return openWriter(file);
  } catch (error) {
    throw openingError(error, file);
  }
}

/** Refuses what the program cannot read: not ours, or newer. */
export function refuseForeign(db: Database, file: string): void {
  if (applicationOf(db) !== APPLICATION_ID) throw corrupt(file, "is not a history of Ferry's");
  const version = versionOf(db);
  if (version > SCHEMA_VERSION) {
    const message = `${file} has schema ${version}, this version of Ferry knows up to ${SCHEMA_VERSION}`;
    throw new AgentError("FERRY_STORAGE_NEWER", message, { where: file });
  }
}

/** Made whole under another name, so that a file under the right name was once a history: an empty one is damage. */
function createDatabase(file: string): void {
  refuseOrphan(file);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const made = `${file}.new`;
  for (const rest of [made, `${made}-journal`, `${made}-wal`, `${made}-shm`]) rmSync(rest, { force: true });
  const handle = openSync(made, "wx", 0o600);
  fchmodSync(handle, 0o600);
  closeSync(handle);
  const db = connect(made);
  try {
    migrate(db);
    db.pragma("journal_mode = WAL");
  } finally {
    db.close();
  }
  renameSync(made, file);
  syncFolder(dirname(file));
}

/** SQLite would replay the log of a lost database into a new one. */
function refuseOrphan(file: string): void {
  const log = `${file}-wal`;
  if (!existsSync(log) || statSync(log).size === 0) return;
  throw new AgentError("FERRY_STORAGE_CORRUPT", `${file} is gone, but its log ${log} is there`, {
    where: log,
    hint: `restore ${file}, or delete ${log} too if the history is to begin anew`,
  });
}

/** SQLite gives the log and the shared memory the database's own mode; older ones may be wider. */
function restrict(file: string): void {
  for (const part of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(part)) chmodSync(part, 0o600);
}

/** Read-only, because a connection that writes would change a damaged file before it is known to be damaged. */
function inspect(file: string): void {
  const db = connect(file, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    refuseForeign(db, file);
    const found = db.pragma("quick_check(1)", { simple: true });
    if (found !== "ok") throw corrupt(file, "is damaged", String(found));
  } finally {
    db.close();
  }
}

function openWriter(file: string): Database {
  const db = connect(file, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("foreign_keys = ON");
    db.pragma("journal_size_limit = 67108864");
    migrate(db);
    restrict(file);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
