import type { Clock } from "../base/clock.js";
import type { Storage } from "../runs/ports.js";
import { openDatabase } from "./sqlite/database.js";
import { createLedgers } from "./sqlite/ledgers.js";
import { createMarks } from "./sqlite/marks.js";
import { createQueue } from "./sqlite/queue.js";
import { createRecorder } from "./sqlite/recorder.js";
import { createStore } from "./sqlite/store.js";

export interface StorageOptions {
  /** Absolute: `.ferry/history.db`. */
  readonly file: string;
  readonly clock: Clock;
  /** The gate for secrets. Every text that a person, a server or a program said passes it on its way in. */
  readonly maskText: (text: string) => string;
}

/** Opens the store for the one process that writes. Fails with FERRY_STORAGE, FERRY_STORAGE_CORRUPT or FERRY_STORAGE_NEWER. */
export function openStorage(options: StorageOptions): Storage {
  const store = createStore(openDatabase(options.file), options);
  return {
    queue: createQueue(store),
    recorder: createRecorder(store),
    ledgers: createLedgers(store),
    marks: createMarks(store),
    close: async () => store.close(),
  };
}
