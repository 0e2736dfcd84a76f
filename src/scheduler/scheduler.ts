import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../base/clock.js";
import { keepRunning } from "./keep-running.js";
import type {
  FilesContext,
  Firing,
  Marks,
  MarkUpdate,
  ScheduledJob,
  TriggerDefinition,
  TriggerKind,
  WatcherStatus,
} from "./trigger.js";

export interface SchedulerOptions {
  readonly jobs: readonly ScheduledJob[];
  readonly kinds: readonly TriggerKind[];
  readonly clock: Clock;
  readonly marks: Marks;
  /** Absolute. */
  readonly workspace: string;
  readonly render: FilesContext["render"];
  /** Books firings and moves the trigger's mark, in one transaction; the ids of the runs that are new. */
  book(
    job: string,
    kind: string,
    trigger: string,
    firings: readonly Firing[],
    mark: MarkUpdate,
  ): Promise<readonly number[]>;
  onStatus?(status: JobWatcherStatus): void;
  log(level: "info" | "warn" | "error", message: string): void;
}

export interface JobWatcherStatus extends WatcherStatus {
  readonly job: string;
}

export interface Scheduler {
  /** Puts other jobs in force. Triggers that stay as they are keep running; one that changed goes on from its mark. */
  reload(jobs: readonly ScheduledJob[]): Promise<void>;
  /** The folders that are watched, as they were last seen, and triggers that are in trouble. */
  watchers(): readonly JobWatcherStatus[];
  /** Resolves when every trigger has ended, and nothing is booked any more. */
  stop(): Promise<void>;
}

interface Wanted {
  readonly job: string;
  readonly timezone: string;
  readonly identity: string;
  readonly definition: TriggerDefinition;
  readonly kind: TriggerKind;
}

interface Running extends Wanted {
  status: WatcherStatus | undefined;
  stop(): Promise<void>;
}

/** Runs the triggers of all jobs. What fails in one of them does not touch the others. */
export function startScheduler(options: SchedulerOptions): Scheduler {
  const running = new Map<string, Running>();
  let stopped = false;
  let turn: Promise<void> = Promise.resolve();
  for (const [key, wanted] of collect(options.jobs, options)) running.set(key, start(wanted, options));

  const put = async (jobs: readonly ScheduledJob[]): Promise<void> => {
    if (stopped) return;
    const wanted = collect(jobs, options);
    const ended = [...running].filter(([key, trigger]) => !isSame(trigger, wanted.get(key)));
    await Promise.all(ended.map(([, trigger]) => trigger.stop()));
    for (const [key] of ended) running.delete(key);
    if (stopped) return;
    for (const [key, trigger] of wanted) if (!running.has(key)) running.set(key, start(trigger, options));
  };
  return {
    reload(jobs) {
      turn = turn.then(() => put(jobs));
      return turn;
    },
    watchers: () => [...running.values()].flatMap(({ job, status }) => (status ? [{ job, ...status }] : [])),
    async stop() {
      stopped = true;
      await Promise.all([turn, ...[...running.values()].map((trigger) => trigger.stop())]);
      running.clear();
    },
  };
}

function collect(jobs: readonly ScheduledJob[], { kinds, log }: SchedulerOptions): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const { name: job, timezone, triggers } of jobs) {
    for (const definition of triggers) {
      const kind = kinds.find((one) => one.type === definition.kind);
      if (kind === undefined) {
        log("error", `${job}: there is no trigger ${definition.kind}`);
        continue;
      }
      const identity = kind.identity(definition.spec);
      const key = JSON.stringify([job, identity]);
      if (wanted.has(key))
        log("error", `${job}: the trigger ${identity} stands there twice, only the first is in force`);
      else wanted.set(key, { job, timezone, identity, definition, kind });
    }
  }
  return wanted;
}

function isSame(one: Wanted, other: Wanted | undefined): boolean {
  return other !== undefined && one.timezone === other.timezone && isDeepStrictEqual(one.definition, other.definition);
}

function start(wanted: Wanted, options: SchedulerOptions): Running {
  const { job, timezone, identity, definition, kind } = wanted;
  const { clock, marks, workspace, render } = options;
  const ending = new AbortController();
  const began = clock.monotonic();
  const trigger: Running = {
    ...wanted,
    status: undefined,
    async stop() {
      ending.abort();
      await ended;
    },
  };
  const report = (status: WatcherStatus): void => {
    trigger.status = status;
    options.onStatus?.({ job, ...status });
  };
  const log: SchedulerOptions["log"] = (level, message) => options.log(level, `${job}: ${message}`);
  const ended = keepRunning(
    () => {
      // The trouble of a trigger that reports nothing itself is over when it runs again.
      if (trigger.status?.path === identity) trigger.status = undefined;
      return kind.watch(definition.spec, {
        ...{ job, trigger: identity, timezone, workspace, clock, marks, render, signal: ending.signal, report, log },
        watchedMs: () => clock.monotonic() - began,
        book: (firings, mark) => options.book(job, kind.type, identity, firings, mark),
      });
    },
    (error) => {
      log("error", `${identity} failed and will be started again: ${error}`);
      report({ path: identity, pending: 0, ...trigger.status, state: "error", error });
    },
    clock,
    ending.signal,
  );
  return trigger;
}
