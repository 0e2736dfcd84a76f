import { type FSWatcher, watch } from "chokidar";
import { systemCode } from "../base/errors.js";

/**
 * Tells that something happened in folders. Events may be lost, so nothing depends on them but the delay. chokidar listens
 * to the folders themselves and is told to ignore what is in them: of its own view of a folder it has gaps, and to keep it
 * up for ten thousand files takes a processor for itself.
 */
export interface Hints {
  /**
   * Listens in exactly these folders, given as path → identity; a path that has become another folder is listened to anew.
   * True when some were added: what happened in them just before may not have been told.
   */
  arm(folders: ReadonlyMap<string, string>): boolean;
}

interface Ear {
  readonly identity: string;
  close(): void;
}

export function createHints(happened: () => void, failed: (reason: string) => void): Hints {
  const ears = new Map<string, Ear>();
  return {
    arm(folders) {
      for (const [path, ear] of ears) {
        if (folders.get(path) === ear.identity) continue;
        ear.close();
        ears.delete(path);
      }
      const added = [...folders].filter(([path]) => !ears.has(path));
      for (const [path, identity] of added) ears.set(path, listen(path, identity));
      return added.length > 0;
    },
  };

  /** A folder that cannot be listened to is not tried again while it is the same: limits do not rise by asking. */
  function listen(path: string, identity: string): Ear {
    const watcher: FSWatcher = watch(path, {
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      ignored: (candidate) => candidate !== path,
    });
    watcher.on("raw", happened);
    // What came while it was not listening yet is found by looking once more.
    watcher.on("ready", happened);
    watcher.on("error", (error) => failed(systemCode(error) ?? String(error)));
    return { identity, close: () => void watcher.close() };
  }
}

/** No events: for folders that are looked at by interval. */
export const noHints: Hints = { arm: () => false };
