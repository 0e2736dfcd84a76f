import type { TriggerDefinition } from "../scheduler/trigger.js";
import { failWhenNothingToSend } from "./feeding.js";
import type { Job, RetryPolicy, TaskDefinition } from "./job.js";
import type { KeyPath } from "./problem.js";
import { type JobDefinition, kindOf, type RetryDefinition, type TaskItem } from "./schema.js";

const RETRY: RetryPolicy = { attempts: 3, delayMs: 30_000, backoff: "exponential", maximumMs: 600_000 };

export const TASK_LISTS = ["tasks", "onFailure", "onSuccess", "onFinish"] as const;
export type TaskList = (typeof TASK_LISTS)[number];

/** Where a job came from, and what it does not say itself. */
export interface JobOrigin {
  readonly name: string;
  readonly file: string;
  readonly hash: string;
  /** The agent's zone. */
  readonly timezone: string;
  /** The kind of a trigger, by its parsed specification and what the file says. */
  readonly triggers: readonly TriggerDefinition[];
}

/** A parsed job file with every default filled in. */
export function toJob(definition: JobDefinition, origin: JobOrigin): Job {
  const ids = idsOf(definition);
  const retry = withRetry(RETRY, definition.retry);
  const tasks = (list: TaskList): TaskDefinition[] =>
    definition[list].map((task, index) => toTask(task, ids.at(list, index), retry));
  return {
    name: origin.name,
    file: origin.file,
    description: definition.description,
    group: definition.group,
    enabled: definition.enabled,
    timezone: definition.timezone ?? origin.timezone,
    triggers: origin.triggers,
    overlap: definition.overlap,
    timeoutMs: definition.timeout,
    locks: definition.locks,
    vars: definition.vars,
    tasks: failWhenNothingToSend(tasks("tasks")),
    onFailure: tasks("onFailure"),
    onSuccess: tasks("onSuccess"),
    onFinish: tasks("onFinish"),
    hash: origin.hash,
  };
}

interface Ids {
  at(list: TaskList, index: number): string;
  /** The tasks whose written id another one has already. */
  readonly twice: readonly { readonly path: KeyPath; readonly id: string }[];
}

/** The ids of all tasks: the written ones, and for the rest the kind, then `exec-2` and so on. */
export function idsOf(definition: Pick<JobDefinition, TaskList>): Ids {
  const all = TASK_LISTS.flatMap((list) => definition[list].map((task, index) => ({ task, list, index })));
  const taken = new Set<string>();
  const twice: { path: KeyPath; id: string }[] = [];
  for (const { task, list, index } of all) {
    if (task.id === undefined) continue;
    if (taken.has(task.id)) twice.push({ path: [list, index, "id"], id: task.id });
    taken.add(task.id);
  }
  const ids = new Map<string, string>();
  for (const { task, list, index } of all) {
    const id = task.id ?? free(kindOf(task), taken);
    taken.add(id);
    ids.set(`${list} ${index}`, id);
  }
  return { at: (list, index) => ids.get(`${list} ${index}`) ?? "", twice };
}

function free(kind: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count += 1) {
    const id = count === 1 ? kind : `${kind}-${count}`;
    if (!taken.has(id)) return id;
  }
}

function toTask(task: TaskItem, id: string, retry: RetryPolicy): TaskDefinition {
  const kind = kindOf(task);
  return {
    id,
    kind,
    spec: task[kind] as Readonly<Record<string, unknown>>,
    when: task.when,
    retry: withRetry(retry, task.retry),
    timeoutMs: task.timeout,
    onError: task.onError,
    description: task.description,
  };
}

function withRetry(base: RetryPolicy, own: RetryDefinition | undefined): RetryPolicy {
  return {
    attempts: own?.attempts ?? base.attempts,
    delayMs: own?.delay ?? base.delayMs,
    backoff: own?.backoff ?? base.backoff,
    maximumMs: own?.maximum ?? base.maximumMs,
  };
}
