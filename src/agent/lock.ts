import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { type Clock, sleep } from "../base/clock.js";
import { AgentError, systemCode } from "../base/errors.js";
import { connect } from "../storage/sqlite/connect.js";

/**
 * The workspace's lock: one process at a time, freed by the system when its holder dies, however it dies. It is the
 * exclusive lock of a little SQLite database, which works the same on every platform and asks for no further library.
 */
export interface Lock {
  release(): void;
}

const POLL_MS = 100;

/** Takes the lock, waiting `waitMs` for another holder; then fails with FERRY_WORKSPACE_HELD, naming it. */
export async function takeLock(
  file: string,
  options: { readonly clock: Clock; readonly waitMs: number; readonly as: string },
): Promise<Lock> {
  const { clock } = options;
  const until = clock.monotonic() + options.waitMs;
  for (;;) {
    const lock = tryLock(file, options.as);
    if (lock) return lock;
    if (clock.monotonic() >= until) throw held(file);
    await sleep(clock, POLL_MS);
  }
}

function tryLock(file: string, as: string): Lock | undefined {
  // Made here, so that SQLite cannot make it readable for others.
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
  const database = connect(file, { timeout: 0 });
  try {
    database.pragma("journal_mode = DELETE");
    database.pragma("locking_mode = EXCLUSIVE");
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (systemCode(error)?.startsWith("SQLITE_BUSY")) return undefined;
    throw new AgentError("FERRY_STORAGE", `the lock ${file} cannot be taken`, { cause: error });
  }
  writeFileSync(holderFile(file), `${process.pid} ${as}\n`, { mode: 0o600 });
  return { release: () => database.close() };
}

function held(file: string): AgentError {
  const holder = readHolder(file);
  const who = holder ? `${holder.as} (process ${holder.pid})` : "another process";
  return new AgentError("FERRY_WORKSPACE_HELD", `${who} works on this workspace`);
}

function readHolder(file: string): { readonly pid: string; readonly as: string } | undefined {
  try {
    const [pid = "", ...as] = readFileSync(holderFile(file), "utf8").trim().split(" ");
    return pid === "" ? undefined : { pid, as: as.join(" ") };
  } catch {
    return undefined;
  }
}

/** Beside the lock, because nobody can read a file that is locked. Only ever a hint: the lock itself decides. */
function holderFile(file: string): string {
  return `${file}.holder`;
}
