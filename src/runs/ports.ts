import type { ErrorRecord } from "../base/errors.js";
import type { Channel, Direction } from "../base/transcript.js";
import type { SessionFacts } from "../connections/session.js";
import type { Firing, Marks, MarkUpdate, WatchedFile } from "../scheduler/trigger.js";
import type { TaskFile } from "../tasks/files.js";
import type { Ledger } from "../tasks/ledger.js";
import type { RunState, TaskState } from "./run.js";

export type { SessionFacts };

/** The store: five ports in one bundle. What cannot be written durably rejects with FERRY_STORAGE. */
export interface Storage {
  readonly queue: RunQueue;
  readonly recorder: RunRecorder;
  readonly ledgers: Ledgers;
  readonly marks: Marks;
  close(): Promise<void>;
}

export interface NewRun {
  readonly job: string;
  /** The trigger's kind: `cron`, `watch`, `manual` … */
  readonly trigger: string;
  /** The trigger's identity, and the key that is unique within it. */
  readonly triggerId: string;
  readonly key: string;
  readonly scheduledAt: Date | undefined;
  readonly files: readonly WatchedFile[] | undefined;
  readonly usefulUntil: Date | undefined;
  /** Variables given by a person (`--var`). */
  readonly vars: Readonly<Record<string, string>>;
  readonly attempt: number;
  /** The interrupted run that this one continues, or the run whose held delivery it sends again. */
  readonly continues: number | undefined;
  /**
   * A delivery of `continues` that was held until a person decided: to be sent again, or, where it is delivered, to have
   * its source put away. The run does that and nothing else.
   */
  readonly resend: number | undefined;
}

/** Files that a run takes from a trigger which did not fire for them. */
export interface TakenFiles {
  /** The trigger's identity. */
  readonly triggerId: string;
  readonly files: readonly WatchedFile[];
}

export interface QueuedRun extends NewRun {
  readonly id: number;
  readonly queuedAt: Date;
  readonly reason: string | undefined;
}

export interface RunQueue {
  /**
   * Puts a run into the queue. Undefined when the same (job, trigger, key) had one already. `taken` says which of the run's
   * files it takes from which watches: they count as taken there in the same transaction, and what another run took in the
   * meantime is left out of this one.
   */
  enqueue(run: NewRun, taken?: readonly TakenFiles[]): Promise<number | undefined>;
  /**
   * Books a trigger's firings and moves its mark in one transaction; the ids of the runs that are new (also skipped ones).
   * Versions that count as taken already are left out, and a firing of which none is left makes no run.
   */
  book(
    job: string,
    kind: string,
    triggerId: string,
    firings: readonly Firing[],
    mark: MarkUpdate,
  ): Promise<readonly number[]>;
  /** Waiting runs, oldest first. */
  waiting(): Promise<readonly QueuedRun[]>;
  /** A waiting run begins. False when it is no longer waiting. */
  start(id: number, definition: string): Promise<boolean>;
  /** A waiting run will not run: `skipped` with its reason, or `cancelled`. */
  drop(id: number, state: "skipped" | "cancelled", reason: string): Promise<boolean>;
  /**
   * What a process that died left behind: its running runs become `interrupted`, and their tasks and sessions end. Where
   * `mayContinue` says so a continuing run is queued in the same transaction, which adopts the deliveries that were open;
   * otherwise those become `held` (from `publishing`) or `failed`. With `only`, that run alone: this process could not
   * record it to its end.
   */
  recover(mayContinue: (run: InterruptedRun) => boolean, only?: number): Promise<readonly InterruptedRun[]>;
  /** The runs that are going on, as `recover` would find them if the process ended now. */
  left(): Promise<readonly InterruptedRun[]>;
}

export interface InterruptedRun {
  readonly id: number;
  readonly job: string;
  /** The task that was running, and its kind; undefined when it died between tasks. */
  readonly task: { readonly id: string; readonly kind: string } | undefined;
  /** How often in a row this work was interrupted and continued already. */
  readonly continuations: number;
  readonly continuedBy: number | undefined;
}

/** What a continuing run takes over from the runs before it. */
export interface Inheritance {
  /** The first run of the chain: its work folder is gone on with. */
  readonly firstRun: number;
  readonly startedAt: Date;
  /** The tasks that had ended, with what they gave or why they failed. In a run that sends again, that task only if it did so. */
  readonly tasks: ReadonlyMap<string, InheritedTask>;
  /** The task whose delivery is sent again, where that is all that the run does. */
  readonly resent: string | undefined;
}

export interface InheritedTask {
  readonly state: TaskState;
  readonly result: StoredResult;
  readonly error: ErrorRecord | undefined;
}

export interface StoredResult {
  readonly files: readonly TaskFile[];
  readonly output?: string;
  readonly status?: number;
}

/** One event of a run; the only way to write history. */
export type RunEvent =
  | {
      readonly type: "run-finished";
      readonly run: number;
      readonly state: RunState;
      readonly reason?: string;
      readonly error?: ErrorRecord;
      readonly errorTask?: string;
      readonly late?: boolean;
    }
  | {
      readonly type: "task-started";
      readonly run: number;
      readonly task: string;
      readonly kind: string;
      readonly attempt: number;
    }
  | {
      readonly type: "task-finished";
      readonly run: number;
      readonly task: string;
      readonly kind: string;
      readonly state: TaskState;
      readonly attempts: number;
      readonly error?: ErrorRecord;
      readonly result?: StoredResult;
    }
  | { readonly type: "session-opened"; readonly run: number; readonly session: number; readonly connection: string }
  | {
      readonly type: "session-closed";
      readonly run: number;
      readonly session: number;
      readonly facts: SessionFacts | undefined;
    }
  | { readonly type: "audit"; readonly action: string; readonly subject: string; readonly detail: string };

export interface TranscriptLine {
  readonly run: number;
  readonly task: string | undefined;
  readonly session: number;
  readonly at: Date;
  readonly channel: Channel;
  readonly direction: Direction;
  readonly text: string;
}

export interface RunRecorder {
  /** Durable when it resolves. The end of a run is also that of what it has open of tasks and sessions. */
  record(event: RunEvent): Promise<void>;
  /**
   * Closes the deliveries that a run, or a task of it, leaves open, and records the end that `end` makes of that, in one
   * transaction: whoever goes on with the run after a crash finds both, or neither. Gives the event.
   */
  recordEnd<Event extends RunEvent>(closing: Closing, end: EndOf<Event>): Promise<Event>;
  /** Keeps a line; it is on disk with the next event, delivery state or flush, whichever comes first, and within a second. */
  line(line: TranscriptLine): void;
  flush(): Promise<void>;
  /** What `run` takes over from the runs that it continues; undefined when it continues none. */
  inheritance(run: number): Promise<Inheritance | undefined>;
}

/**
 * The end of a run, or of its task `task`: deliveries still open become `failed` with `error`, or `held` where they may have
 * arrived: from `publishing`, and whatever was to be sent again.
 */
export interface Closing {
  readonly run: number;
  readonly task?: string;
  readonly error: ErrorRecord;
}

/** What is recorded as the end, given what became of the deliveries. */
export type EndOf<Event extends RunEvent> = (closed: ClosedDeliveries, summary: DeliverySummary) => Event;

export interface Ledgers {
  /** The ledger of one task of one run. */
  of(run: number, task: string): Ledger;
  /** Closes what a run, or a task of it, has open: see `Closing`. */
  closeOpen(run: number, error: ErrorRecord, task?: string): Promise<ClosedDeliveries>;
  /** The held delivery that `file` (base name, local or remote path) names in `run`; undefined when there is none. */
  held(run: number, file: string): Promise<HeldDelivery | undefined>;
  /** A person's decision that a held delivery arrived: it becomes `delivered`. */
  resolveDelivered(id: number, note: string): Promise<void>;
  /** The same, and a run that puts its source away is queued, in one transaction. Resolves to that run's id. */
  resolvePutAway(id: number, note: string): Promise<number>;
  /** A person's decision to send a held delivery again: it becomes `failed`, and a run that resends it is queued, in one transaction. Resolves to that run's id. */
  resolveResend(id: number, note: string): Promise<number>;
}

export interface ClosedDeliveries {
  readonly held: number;
  readonly failed: number;
}

export interface HeldDelivery {
  readonly id: number;
  readonly run: number;
  readonly task: string;
}

/** How the deliveries of a run ended. */
export interface DeliverySummary {
  readonly delivered: number;
  readonly bytes: number;
  readonly unverified: number;
  readonly held: number;
  readonly failed: number;
  readonly skipped: number;
  /** Delivered, but the source could not be disposed of. */
  readonly undisposed: number;
}
