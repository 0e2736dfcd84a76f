import { z } from "zod";
import { anyOf, type Kind, wholeOf } from "../base/kinds.js";
import { duration, size } from "../base/units.js";
import { zone } from "../base/zone.js";
import { notify } from "../settings-schema.js";

/** Kinds that the interface promises and that a later version brings. */
const PLANNED_TASKS = [
  ...["upload", "download", "sync", "list", "delete-remote", "move-remote", "mkdir-remote", "command", "copy", "move"],
  ...["delete", "mkdir", "write", "compress", "decompress", "archive", "unarchive", "checksum", "convert", "encrypt"],
  ...["decrypt", "exec", "query", "http", "email", "wait", "run", "fail", "approve"],
];
const PLANNED_TRIGGERS = ["cron", "every", "at", "watch", "poll", "after", "startup"];

const name = z
  .string()
  .regex(/^[A-Za-z0-9._-]+$/, "only letters, digits, '.', '_' and '-' may stand in a name")
  .regex(/^[^.-]/, "a name begins with a letter, a digit or '_'");

export const jobName = name;
export const connectionName = name;

const id = name.regex(/^[A-Za-z0-9_-]+$/, "only letters, digits, '_' and '-' may stand in a task's id");

/** `retry`, each key with its default missing: a task's own keys go over the job's. */
const retry = z.strictObject({
  attempts: z.int().min(1).max(1000).optional().describe("All tries, the first included; 3 by default."),
  delay: duration.optional().describe("Wait before the second try; 30s by default."),
  backoff: z
    .enum(["fixed", "exponential"])
    .optional()
    .describe("Whether each further wait doubles; exponential by default."),
  maximum: duration.optional().describe("The longest wait; 10m by default."),
});
export type RetryDefinition = z.output<typeof retry>;

/** Keys of every task, beside the one that names its kind. */
const taskKeys = {
  id: id.optional().describe("Name of the task within its job; by default the kind."),
  description: z.string().optional().describe("What the task is for."),
  when: z
    .string()
    .trim()
    .min(1)
    .optional()
    .describe("Condition, without braces: the task is skipped where it is false."),
  forEach: z.unknown().optional().describe("Later: repeats the task for each value."),
  retry: retry.optional().describe("How often and when it is tried again; by default the job's."),
  timeout: duration.optional().describe("How long it may take, all tries included."),
  onError: z.enum(["stop", "continue"]).default("stop").describe("What a failure does to the tasks after it."),
};

const expected = z.strictObject({
  by: z.string().describe("Time of day at which it is looked."),
  files: z.string().optional().describe("Glob over the names that were delivered."),
  count: z.int().min(1).optional().describe("How many, at least."),
  minimumSize: size.optional().describe("How large each of them is, at least."),
  notify: z.string().optional().describe("Channel that is told."),
});

const calendar = z.union([
  z.string(),
  z.strictObject({
    name: z.string().describe("Name of a calendar."),
    onHoliday: z.enum(["skip", "previous", "next"]).default("skip").describe("What a firing on a holiday does."),
  }),
]);

export interface JobKinds {
  readonly tasks: readonly Kind[];
  readonly triggers: readonly Kind[];
}

/** The schema of a job file, made of the kinds that there are. */
export function jobSchema(kinds: JobKinds) {
  const tasks = z.array(anyOf(kinds.tasks, taskKeys, { what: "task", planned: PLANNED_TASKS }) as z.ZodType<TaskItem>);
  const trigger = wholeOf(kinds.triggers, { what: "trigger", planned: PLANNED_TRIGGERS });
  return z.strictObject({
    name: jobName.optional().describe("Name of the job; by default the file's stem."),
    description: z.string().optional().describe("What the job is for."),
    group: z.string().optional().describe("Group that the job is listed in."),
    enabled: z.boolean().default(true).describe("False: no trigger starts it."),
    timezone: zone.optional().describe("Time zone of its triggers and dates; by default the agent's."),
    calendar: calendar.optional().describe("Later: business days that its timed triggers keep to."),
    triggers: z.array(trigger).default([]).describe("What starts a run, besides a person."),
    overlap: z
      .enum(["queue", "skip", "parallel", "replace"])
      .default("queue")
      .describe("What a firing does while a run is going on. A run with files always waits, and is never replaced."),
    timeout: duration.prefault("24h").describe("How long a run may take."),
    retry: retry.optional().describe("The default of its tasks; a run is never restarted as a whole."),
    expect: z.array(expected).optional().describe("Later: what must have happened by a time of day."),
    locks: z.array(z.string().min(1)).default([]).describe("Runs that share a lock never overlap."),
    vars: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "only letters, digits and '_' may stand in a variable's name"),
        z.union([z.string(), z.number(), z.boolean()]),
      )
      .default({})
      .describe("Variables, evaluated once when a run begins."),
    tasks: tasks.min(1).describe("The steps, in order."),
    onFailure: tasks.default([]).describe("Tasks that follow a failure."),
    onSuccess: tasks.default([]).describe("Tasks that follow success."),
    onFinish: tasks.default([]).describe("Tasks that come last in any case."),
    notify: notify.optional().describe("Later: which channel is told of what."),
  });
}

export type JobDefinition = z.output<ReturnType<typeof jobSchema>>;

/** A task as it is parsed: the common keys, and one more that names the kind. */
export type TaskItem = {
  readonly id?: string | undefined;
  readonly description?: string | undefined;
  readonly when?: string | undefined;
  readonly forEach?: unknown;
  readonly retry?: RetryDefinition | undefined;
  readonly timeout?: number | undefined;
  readonly onError: "stop" | "continue";
} & Readonly<Record<string, unknown>>;

/** The key of a task that names its kind. */
export function kindOf(task: object): string {
  return Object.keys(task).find((key) => !(key in taskKeys)) ?? "";
}
