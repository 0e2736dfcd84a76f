import Database from "better-sqlite3";
import { AgentError, systemCode } from "../../base/errors.js";

const MEANINGS: readonly (readonly [prefix: string, what: string])[] = [
  ["SQLITE_FULL", "the disk is full"],
  ["SQLITE_BUSY", "another program holds its lock"],
  ["SQLITE_READONLY", "it may only be read"],
  ["SQLITE_IOERR", "the disk refuses"],
  ["SQLITE_CANTOPEN", "it cannot be opened"],
  ["SQLITE_CORRUPT", "it is damaged"],
  ["SQLITE_NOTADB", "it is not a database"],
];

/** SQLite's refusals as FERRY_STORAGE. A broken constraint is our own mistake, and passes as it is. */
export function storageError(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return isClosed(error) ? closed(error, file) : error;
  if (error.code.startsWith("SQLITE_CONSTRAINT")) return error;
  const meaning = MEANINGS.find(([prefix]) => error.code.startsWith(prefix))?.[1] ?? error.code;
  return new AgentError("FERRY_STORAGE", `${file}: ${meaning}`, {
    cause: `${error.message} (${error.code})`,
    where: file,
  });
}

/** At opening, damage is told from what may pass. */
export function openingError(error: unknown, file: string): unknown {
  const code = error instanceof Database.SqliteError ? error.code : "";
  if (code === "" && !(error instanceof AgentError) && systemCode(error) !== undefined) return refused(error, file);
  if (!code.startsWith("SQLITE_CORRUPT") && !code.startsWith("SQLITE_NOTADB")) return storageError(error, file);
  return corrupt(file, code.startsWith("SQLITE_NOTADB") ? "is not a database" : "is damaged", error);
}

export function corrupt(file: string, what: string, cause?: unknown): AgentError {
  return new AgentError("FERRY_STORAGE_CORRUPT", `${file} ${what}`, { cause, where: file });
}

function refused(error: unknown, file: string): AgentError {
  return new AgentError("FERRY_STORAGE", `${file}: the system refuses`, { cause: error, where: file });
}

function isClosed(error: unknown): boolean {
  return error instanceof TypeError && error.message === "The database connection is not open";
}

function closed(error: unknown, file: string): AgentError {
  return new AgentError("FERRY_STORAGE", `${file}: it is closed`, { cause: error, where: file });
}
