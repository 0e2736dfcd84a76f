import type { Database } from "better-sqlite3";
import { type Clock, iso, type Timer } from "../../base/clock.js";
import { AgentError } from "../../base/errors.js";
import type { TranscriptLine } from "../../runs/ports.js";
import { storageError } from "./errors.js";
import { createLineWriter, missingNotes, splitLines } from "./lines.js";

/** The one connection that writes, with the transcript lines that wait for the next transaction. */
export interface Store {
  readonly db: Database;
  /** The gate for secrets: every text that a person, a server or a program said passes it. */
  readonly mask: (text: string) => string;
  /** Does `work` in one durable transaction, together with the waiting lines. `at` is now. */
  write<T>(work: (at: string) => T): T;
  read<T>(work: () => T): T;
  line(line: TranscriptLine): void;
  /** Fails once when lines had to be given up since the last time: what follows must not go unrecorded too. */
  refuseLoss(): void;
  /** No further line of `run` is to come soon. */
  forget(run: number): void;
  close(): void;
}

const FLUSH_LINES = 500;
const FLUSH_MS = 1000;
/** Lines that wait while the disk refuses. Beyond, the oldest are given up: memory stays bounded. */
const MOST_WAITING = 50_000;

export function createStore(
  db: Database,
  options: { file: string; clock: Clock; maskText: (text: string) => string },
): Store {
  const { file, clock } = options;
  const lines = createLineWriter(db);
  let waiting: TranscriptLine[] = [];
  let timer: Timer | undefined;
  let refused = false;
  let loss: unknown;

  const write = <T>(work: (at: string) => T): T => {
    try {
      const done = db
        .transaction(() => {
          lines.insert(waiting);
          return work(iso(clock.now()));
        })
        .immediate();
      waiting = [];
      refused = false;
      timer?.cancel();
      timer = undefined;
      return done;
    } catch (error) {
      lines.forget();
      throw storageError(error, file);
    }
  };
  const tryFlush = (): void => {
    timer?.cancel();
    timer = undefined;
    try {
      write(() => {});
    } catch (error) {
      refused = true;
      if (waiting.length > MOST_WAITING) {
        loss = error;
        waiting = [...missingNotes(waiting.slice(0, -FLUSH_LINES)), ...waiting.slice(-FLUSH_LINES)];
      }
      timer = clock.timer(FLUSH_MS, tryFlush);
    }
  };
  return {
    db,
    mask: options.maskText,
    write,
    read: (work) => reading(file, work),
    line(line) {
      waiting.push(...splitLines({ ...line, text: options.maskText(line.text) }));
      // A full batch goes at once; while the disk refuses, the timer alone tries again.
      if (waiting.length > (refused ? MOST_WAITING : FLUSH_LINES - 1)) tryFlush();
      else timer ??= clock.timer(FLUSH_MS, tryFlush);
    },
    refuseLoss() {
      const cause = loss;
      loss = undefined;
      if (cause !== undefined)
        throw new AgentError("FERRY_STORAGE", `${file}: lines of the transcript were lost`, { cause });
    },
    forget: (run) => lines.forget(run),
    close() {
      timer?.cancel();
      try {
        if (waiting.length > 0) write(() => {});
      } finally {
        timer?.cancel();
        db.close();
      }
    },
  };
}

function reading<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storageError(error, file);
  }
}
