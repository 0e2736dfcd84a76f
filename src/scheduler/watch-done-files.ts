import type { FilesContext, WatchedFile } from "./trigger.js";
import { doneFileOf, isRegularFile } from "./watch-checks.js";

/** The done files that belong to watched files. */
export interface DoneFiles {
  /** Learns which files there are. */
  know(files: ReadonlyMap<string, WatchedFile>): Promise<void>;
  /** Whether this is the done file of another one, and so nothing to take. */
  isOne(path: string): boolean;
  standsBeside(file: WatchedFile): Promise<boolean>;
}

export function createDoneFiles(template: string | undefined, render: FilesContext["render"]): DoneFiles {
  let byFile = new Map<string, string>();
  let all = new Set<string>();
  if (template === undefined) return { async know() {}, isOne: () => false, standsBeside: async () => true };
  return {
    async know(files) {
      const known = new Map<string, string>();
      for (const [path, file] of files) known.set(path, byFile.get(path) ?? (await doneFileOf(file, template, render)));
      byFile = known;
      all = new Set(known.values());
    },
    isOne: (path) => all.has(path),
    async standsBeside({ path }) {
      const doneFile = byFile.get(path);
      return doneFile !== undefined && doneFile !== path && (await isRegularFile(doneFile));
    },
  };
}
