import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { type JobWatcherStatus, type Scheduler, startScheduler } from "../../src/scheduler/scheduler.js";
import type { FilesContext } from "../../src/scheduler/trigger.js";
import { watch } from "../../src/scheduler/watch.js";
import { createMemoryMarks, type MemoryMarks } from "../support/memory-marks.js";

/** A workspace with one job that watches a folder, on a real file system. */
export interface Workspace {
  readonly folder: string;
  readonly outbox: string;
  readonly marks: MemoryMarks;
  readonly log: readonly string[];
  start(options?: Record<string, unknown>, clock?: Clock): Scheduler;
  /** For what a manual run takes. */
  readonly context: FilesContext;
  files(options?: Record<string, unknown>): Promise<readonly string[]>;
  /** The files of all runs so far, by their path below the outbox, in the order in which they were taken. */
  taken(): string[];
  /** Resolves when so many files were taken over all runs. */
  count(files: number): Promise<void>;
  /** Resolves with the first status of which this holds. */
  status(condition: (status: JobWatcherStatus) => boolean): Promise<JobWatcherStatus>;
  /** Resolves after another full listing. */
  sweep(): Promise<void>;
  remove(): Promise<void>;
}

/** Short intervals, so that tests are quick: no result depends on them. */
const quick = { stable: "150ms", sweep: "200ms", batch: { window: "100ms" } };

export async function createWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), "ferry-watch-"));
  const outbox = join(folder, "outbox");
  const marks = createMemoryMarks();
  const log: string[] = [];
  const running = new Set<Scheduler>();
  let last: JobWatcherStatus | undefined;
  const render: FilesContext["render"] = async (template, { path }) =>
    template.replace("{{ file.name }}", basename(path));
  const context: FilesContext = {
    job: "outbox",
    trigger: "watch outbox",
    workspace: folder,
    clock: systemClock,
    marks,
    render,
  };
  const parse = (options: Record<string, unknown>) =>
    watch.schema.parse({ watch: { path: "outbox", ...quick, ...options } });
  const taken = (): string[] =>
    marks.runs.flatMap(({ files }) => (files ?? []).map(({ path }) => relative(outbox, path)));
  return {
    ...{ folder, outbox, marks, log, context, taken },
    start(options = {}, clock = systemClock) {
      last = undefined;
      const scheduler = startScheduler({
        ...{ clock, marks, render, workspace: folder, book: marks.book, kinds: [watch] },
        jobs: [{ name: "outbox", timezone: "UTC", triggers: [{ kind: "watch", spec: parse(options) }] }],
        onStatus(status) {
          last = status;
          marks.changed();
        },
        log: (level, message) => log.push(`${level} ${message}`),
      });
      running.add(scheduler);
      return scheduler;
    },
    async files(options = {}) {
      const found = await watch.files?.(parse(options), context);
      return (found ?? []).map(({ path }) => relative(outbox, path));
    },
    count: (files) => marks.until(() => taken().length >= files),
    async status(condition) {
      let found: JobWatcherStatus | undefined;
      await marks.until(() => {
        if (last && condition(last)) found ??= last;
        return found !== undefined;
      });
      return found as unknown as JobWatcherStatus;
    },
    async sweep() {
      const from = new Date();
      // The listing that ends first may have begun before.
      let seen: Date | undefined;
      let sweeps = 0;
      await marks.until(() => {
        if (last?.lastSweep && last.lastSweep > from && last.lastSweep !== seen) {
          seen = last.lastSweep;
          sweeps++;
        }
        return sweeps >= 2;
      });
    },
    async remove() {
      await Promise.all([...running].map((scheduler) => scheduler.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
