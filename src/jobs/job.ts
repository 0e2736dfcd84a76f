import type { TriggerDefinition } from "../scheduler/trigger.js";

/** A job as it is in force: parsed, with every default filled in. */
export interface Job {
  readonly name: string;
  /** Absolute path of its file. */
  readonly file: string;
  readonly description: string | undefined;
  readonly group: string | undefined;
  readonly enabled: boolean;
  /** IANA zone: the job's own, else the agent's, else the machine's. */
  readonly timezone: string;
  readonly triggers: readonly TriggerDefinition[];
  readonly overlap: "queue" | "skip" | "parallel" | "replace";
  readonly timeoutMs: number;
  readonly locks: readonly string[];
  /** Templates, evaluated once when a run begins. */
  readonly vars: Readonly<Record<string, string | number | boolean>>;
  readonly tasks: readonly TaskDefinition[];
  readonly onFailure: readonly TaskDefinition[];
  readonly onSuccess: readonly TaskDefinition[];
  readonly onFinish: readonly TaskDefinition[];
  /** SHA-256 of the file's text: which definition a run obeyed. */
  readonly hash: string;
}

export interface TaskDefinition {
  readonly id: string;
  readonly kind: string;
  /** Parsed by the kind's schema; its texts may hold templates. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** An expression, without braces: `tasks.pack.files.size > 0`. */
  readonly when: string | undefined;
  readonly retry: RetryPolicy;
  /** Undefined: only the run's. */
  readonly timeoutMs: number | undefined;
  readonly onError: "stop" | "continue";
  readonly description: string | undefined;
}

export interface RetryPolicy {
  /** All tries, the first included. */
  readonly attempts: number;
  readonly delayMs: number;
  readonly backoff: "fixed" | "exponential";
  readonly maximumMs: number;
}
