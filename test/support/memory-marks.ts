import type { FileVersion, Firing, Marks, MarkUpdate } from "../../src/scheduler/trigger.js";

/** A run as it was booked. */
export interface BookedRun extends Firing {
  readonly id: number;
  readonly job: string;
  readonly kind: string;
  readonly trigger: string;
}

/** What storage keeps of triggers, in memory. It outlives schedulers, as the database outlives agents. */
export interface MemoryMarks extends Marks {
  readonly runs: readonly BookedRun[];
  /** Every call of `book`, in order. */
  readonly bookings: readonly { readonly firings: readonly Firing[]; readonly mark: MarkUpdate }[];
  book(
    job: string,
    kind: string,
    trigger: string,
    firings: readonly Firing[],
    mark: MarkUpdate,
  ): Promise<readonly number[]>;
  /** Resolves when the condition holds, which is asked after every booking and `changed`. */
  until(condition: () => boolean): Promise<void>;
  changed(): void;
  /** The taken version of a path was delivered with this checksum. */
  delivered(path: string, sha256: string): void;
  /** Ferry moved or deleted this source itself. */
  disposed(path: string): void;
  /** Ferry put a source there, once it was delivered. */
  putThere(path: string): void;
  /** The run that took this path did not succeed. */
  failed(path: string): void;
  /** The next booking fails with this error. */
  failNext(error: Error): void;
}

export function createMemoryMarks(): MemoryMarks {
  const runs: BookedRun[] = [];
  const bookings: { firings: readonly Firing[]; mark: MarkUpdate }[] = [];
  const instants = new Map<string, Date>();
  const taken = new Map<string, Map<string, FileVersion>>();
  const checksums = new Map<string, string>();
  const disposed = new Set<string>();
  const unfinished = new Set<string>();
  const putAway = new Set<string>();
  const waiters = new Set<() => void>();
  let failure: Error | undefined;
  const changed = (): void => {
    for (const waiter of [...waiters]) waiter();
  };
  return {
    runs,
    bookings,
    changed,
    async instant(job, trigger) {
      return instants.get(`${job} ${trigger}`);
    },
    async taken(job, trigger) {
      const known = taken.get(`${job} ${trigger}`);
      return known && new Map([...known].filter(([path]) => !disposed.has(path)));
    },
    async putAway(_job, { path }) {
      return putAway.has(path);
    },
    async deliveredSha256(_job, path, version) {
      return checksums.get(`${path} ${JSON.stringify(version)}`);
    },
    async unfinished() {
      return unfinished;
    },
    underWay: async () => false,
    async book(job, kind, trigger, firings, mark) {
      if (failure) {
        const error = failure;
        failure = undefined;
        throw error;
      }
      const id = `${job} ${trigger}`;
      bookings.push({ firings, mark });
      if (mark.instant) instants.set(id, mark.instant);
      const files = [...firings.flatMap((firing) => firing.files ?? []), ...(mark.taken ?? [])];
      if (mark.taken || mark.gone || files.length > 0) {
        const known = taken.get(id) ?? new Map<string, FileVersion>();
        taken.set(id, known);
        for (const path of mark.gone ?? []) known.delete(path);
        for (const { path, version } of files) {
          known.set(path, version);
          disposed.delete(path);
        }
      }
      const added: number[] = [];
      for (const firing of firings) {
        if (runs.some((run) => run.job === job && run.trigger === trigger && run.key === firing.key)) continue;
        runs.push({ id: runs.length + 1, job, kind, trigger, ...firing });
        added.push(runs.length);
      }
      changed();
      return added;
    },
    until(condition) {
      return new Promise((resolve) => {
        const check = (): void => {
          if (!condition()) return;
          waiters.delete(check);
          resolve();
        };
        waiters.add(check);
        check();
      });
    },
    delivered(path, sha256) {
      for (const known of taken.values()) {
        const version = known.get(path);
        if (version) checksums.set(`${path} ${JSON.stringify(version)}`, sha256);
      }
    },
    disposed: (path) => void disposed.add(path),
    putThere: (path) => void putAway.add(path),
    failed: (path) => void unfinished.add(path),
    failNext(error) {
      failure = error;
    },
  };
}
