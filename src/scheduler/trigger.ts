import type { z } from "zod";
import type { Clock } from "../base/clock.js";
import type { Kind } from "../base/kinds.js";

/** What starts a run. */
export interface TriggerKind<Type extends string = string, Schema extends z.ZodType = z.ZodType>
  extends Kind<Type, Schema> {
  readonly description: string;
  /** What makes it the same trigger after a reload and a restart: `cron 30 2 * * *`, `watch outbox`. Unique within a job. */
  identity(spec: z.output<Schema>): string;
  /** Fires until `context.signal` aborts; then resolves. It recovers by itself from what passes (a folder that is missing). */
  watch(spec: z.output<Schema>, context: TriggerContext): Promise<void>;
  /** Coming firings, for `job next`. Absent for triggers that do not go by the clock. */
  next?(spec: z.output<Schema>, question: NextQuestion): readonly Upcoming[];
  /** The files that it would take now, for a manual run; marks nothing. */
  files?(spec: z.output<Schema>, context: FilesContext): Promise<readonly WatchedFile[]>;
}

export function defineTrigger<Type extends string, Schema extends z.ZodType>(
  kind: TriggerKind<Type, Schema>,
): TriggerKind<Type, Schema> {
  return kind;
}

/** What the scheduler needs of a job, and no more. */
export interface ScheduledJob {
  readonly name: string;
  /** IANA zone. */
  readonly timezone: string;
  readonly triggers: readonly TriggerDefinition[];
}

export interface TriggerDefinition {
  readonly kind: string;
  /** The kind's parsed specification. */
  readonly spec: unknown;
}

export interface FilesContext {
  readonly job: string;
  readonly trigger: string;
  readonly workspace: string;
  readonly clock: Clock;
  readonly marks: Marks;
  /** `{{ file.name }}.done` → text, for the done files of a watch. */
  readonly render: (template: string, file: { readonly path: string }) => Promise<string>;
}

export interface TriggerContext extends FilesContext {
  readonly timezone: string;
  readonly signal: AbortSignal;
  /** For how long this process has watched the trigger, also through failures. */
  readonly watchedMs: () => number;
  /** Books firings and moves the mark, in one transaction. Resolves to the ids of the runs that are new. */
  book(firings: readonly Firing[], mark: MarkUpdate): Promise<readonly number[]>;
  report(status: WatcherStatus): void;
  log(level: "info" | "warn" | "error", message: string): void;
}

/** The same (job, trigger, key) never starts a second run. */
export interface Firing {
  readonly key: string;
  /** The instant that the run stands for. */
  readonly dueAt: Date;
  readonly files?: readonly WatchedFile[];
  /** Given when the firing does not run: begins with `missed:`, `late:` … and becomes a `skipped` run. */
  readonly skip?: string;
  /** Latest instant at which starting still makes sense (`usefulUntil`). */
  readonly usefulUntil?: Date;
}

/** A version of a file in a watched folder. */
export interface WatchedFile {
  /** Absolute. */
  readonly path: string;
  /** The folders below the watched one, "" for none. */
  readonly folder: string;
  readonly version: FileVersion;
}

export interface FileVersion {
  readonly size: number;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
  readonly ino: string;
  readonly dev: string;
}

export interface MarkUpdate {
  /** The last instant that has been booked. */
  readonly instant?: Date;
  /** Versions that count as taken from now on (those of the firings' files are added by themselves). */
  readonly taken?: readonly WatchedFile[];
  /** Paths that a full sweep saw gone. */
  readonly gone?: readonly string[];
}

/** What a trigger has done already; kept by storage. */
export interface Marks {
  /** The last booked instant, or undefined for a trigger never seen before. */
  instant(job: string, trigger: string): Promise<Date | undefined>;
  /** The versions taken, by path; undefined for a watch never seen before. A version whose source Ferry itself moved or deleted since is left out. */
  taken(job: string, trigger: string): Promise<ReadonlyMap<string, FileVersion> | undefined>;
  /** The checksum with which the job delivered this path's taken version, where it is known and the last delivery of the path arrived. */
  deliveredSha256(job: string, path: string, version: FileVersion): Promise<string | undefined>;
  /** Whether a delivery of the job put its source there: renamed or moved, it is no new file. */
  putAway(job: string, file: WatchedFile): Promise<boolean>;
  /** Of the taken versions of a watch, the paths that no run will send any more although they did not arrive: a manual run takes them again. */
  unfinished(job: string, trigger: string): Promise<ReadonlySet<string>>;
  /** Whether the run that took the path's version, or one that goes on with it, waits or is going on. */
  underWay(job: string, trigger: string, path: string): Promise<boolean>;
}

export interface WatcherStatus {
  readonly path: string;
  readonly state: "watching" | "missing" | "error";
  readonly lastEvent?: Date;
  readonly lastSweep?: Date;
  /** Files seen that are not ready yet. */
  readonly pending: number;
  readonly error?: string;
}

export interface NextQuestion {
  readonly timezone: string;
  readonly from: Date;
  readonly until?: Date;
  readonly count: number;
}

export interface Upcoming {
  readonly at: Date;
  /** The reason, when it will not run. */
  readonly skipped?: string;
}
