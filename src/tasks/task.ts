import type { z } from "zod";
import type { Clock } from "../base/clock.js";
import type { Kind } from "../base/kinds.js";
import type { RemoteSession } from "../connections/session.js";
import type { TaskFile } from "./files.js";
import type { Ledger } from "./ledger.js";

/** A step of a job: a name, a schema, a function. */
export interface TaskKind<Type extends string = string, Schema extends z.ZodType = z.ZodType>
  extends Kind<Type, Schema> {
  /** First sentence of the kind's page in the reference. */
  readonly description: string;
  /**
   * Top-level keys whose templates the task evaluates itself with `context.evaluate` (because they speak of the current
   * file, or yield a list). All other texts of the specification arrive evaluated.
   */
  readonly lazy: readonly (keyof z.output<Schema> & string)[];
  /** True when a run that died inside this task may do it again. What a program did cannot be known, so `exec` says false. */
  readonly repeatable: boolean;
  run(spec: z.output<Schema>, context: TaskContext): Promise<TaskResult>;
}

/** Declares a task kind with its types inferred from the schema. */
export function defineTask<Type extends string, Schema extends z.ZodType>(
  kind: TaskKind<Type, Schema>,
): TaskKind<Type, Schema> {
  return kind;
}

export interface TaskResult {
  /** What the next tasks may use as `tasks.<id>.files`. */
  readonly files: readonly TaskFile[];
  readonly output?: string;
  readonly status?: number;
  /** Ended well enough to go on, but the operator should look: shown, and kept as the task's state `warned`. */
  readonly warning?: string;
  /** Said when nothing was moved because nothing matched. */
  readonly nothing?: string;
}

export interface TaskContext {
  readonly run: { readonly id: number; readonly job: string };
  /** The task's id within its job. */
  readonly task: string;
  readonly attempt: number;
  readonly clock: Clock;
  /** Aborted when the run is cancelled, or the task's or run's time is over. */
  readonly signal: AbortSignal;
  /** Absolute; relative local paths of the definitions start here. */
  readonly workspace: string;
  /** The run's own folder below .ferry/work, made on first use. */
  workFolder(): Promise<string>;
  /** The files that fired the run, or, in a manual run, those that its watchers would take now. Undefined when no trigger of the job has files. */
  readonly triggerFiles: readonly TaskFile[] | undefined;
  /** The open session to `connection`, opened on first use and again after it broke; shared by the tasks of the run. */
  session(connection: string): Promise<RemoteSession>;
  readonly ledger: Ledger;
  /** True when a person wants one held delivery sent again: what `ledger.ofTask()` gives is all that is to be sent. */
  readonly resend: boolean;
  /**
   * Evaluates a template, with `file` as the current file. A text that is one `{{ … }}` and nothing else yields the value
   * itself, anything else a string. Fails with FERRY_TEMPLATE.
   */
  evaluate(template: string, current?: { readonly file?: TaskFile }): Promise<unknown>;
  /** Like `evaluate`, but a text is required. */
  text(template: string, current?: { readonly file?: TaskFile }): Promise<string>;
  /** A line in the operator's log, with the run's id. */
  log(level: "debug" | "info" | "warn" | "error", message: string): void;
  /** Live progress of the transfer at hand, for a person who watches. */
  progress(event: Progress): void;
}

export interface Progress {
  readonly file: string;
  readonly bytes: number;
  readonly total: number | undefined;
}
