import { AgentError, asAgentError, fromRecord } from "../base/errors.js";
import type { Job, TaskDefinition } from "../jobs/job.js";
import type { TaskOutcome, TemplateFacts } from "../jobs/template-scope.js";
import type { Inheritance } from "./ports.js";
import type { RunState, TaskState } from "./run.js";
import { outcomeOf, type RunSurroundings, runTask, type TaskEnd } from "./task-runner.js";

/** What the tasks of one run find, and leave to each other. */
export interface Stage {
  readonly around: RunSurroundings;
  readonly inherited: Inheritance | undefined;
  readonly outcomes: Map<string, TaskOutcome>;
  facts(error?: AgentError): TemplateFacts;
}

export interface RunEnd {
  readonly state: RunState;
  readonly error: AgentError | undefined;
  readonly errorTask: string | undefined;
  /** Why nothing was moved, in the tasks' words. */
  readonly nothing: readonly string[];
}

/** What may end a run before its tasks do. */
export interface RunSignals {
  readonly cancelled: AbortSignal;
  readonly overdue: AbortSignal;
}

/** What follows the tasks may take as long as they may, but never longer than this. */
const LONGEST_FOLLOWING_MS = 3_600_000;

/** The job's tasks, and those that follow their end; in a run that sends one delivery again, that delivery's task alone. */
export async function performRun(stage: Stage, job: Job, { cancelled, overdue }: RunSignals): Promise<RunEnd> {
  const signal = AbortSignal.any([cancelled, overdue]);
  if (stage.around.resend) return performTasks(stage, [resentTask(job, stage.inherited?.resent)], signal);
  const main = await performTasks(stage, job.tasks, signal);
  const followers = main.state === "succeeded" ? job.onSuccess : main.state === "cancelled" ? [] : job.onFailure;
  const followed = await follow(stage, job, followers, cancelled, main.error);
  const finished = await follow(stage, job, job.onFinish, cancelled, main.error);
  const later = followed.error ? followed : finished;
  return main.error || !later.error ? main : { ...later, nothing: main.nothing };
}

export function allTasks(job: Job): readonly TaskDefinition[] {
  return [...job.tasks, ...job.onFailure, ...job.onSuccess, ...job.onFinish];
}

function resentTask(job: Job, id: string | undefined): TaskDefinition {
  const task = allTasks(job).find((one) => one.id === id);
  if (task) return task;
  throw new AgentError("FERRY_DEFINITION", `the job ${job.name} has no task ${id} any more, which the delivery is of`, {
    hint: "give the task that name again, or resolve the delivery as delivered",
  });
}

/** What follows has a time of its own, because the run's may be over. A run that was cancelled is still finished. */
async function follow(
  stage: Stage,
  job: Job,
  tasks: readonly TaskDefinition[],
  cancelled: AbortSignal,
  error: AgentError | undefined,
): Promise<RunEnd> {
  const ms = Math.min(job.timeoutMs, LONGEST_FOLLOWING_MS);
  const overdue = new AgentError("FERRY_RUN_TIMEOUT", `what follows the tasks did not end within ${ms / 1000} s`);
  const deadline = new AbortController();
  const timer = stage.around.clock.timer(ms, () => deadline.abort(overdue));
  const signals = cancelled.aborted ? [deadline.signal] : [cancelled, deadline.signal];
  try {
    return await performTasks(stage, tasks, AbortSignal.any(signals), error);
  } finally {
    timer.cancel();
  }
}

/** The tasks in order; the first failure ends them, unless its task says to go on. */
async function performTasks(
  stage: Stage,
  tasks: readonly TaskDefinition[],
  signal: AbortSignal,
  error?: AgentError,
): Promise<RunEnd> {
  const nothing: string[] = [];
  let failed: Pick<RunEnd, "state" | "error" | "errorTask"> | undefined;
  for (const task of tasks) {
    if (signal.aborted) break;
    const end = inheritedEnd(stage, task) ?? (await runTask(stage.around, task, () => stage.facts(error), signal));
    if (end.result) stage.outcomes.set(task.id, outcomeOf(end.result));
    if (end.result?.nothing !== undefined) nothing.push(`${task.id}: ${end.result.nothing}`);
    if (end.error) {
      const withRun = endedWithRun(task, end.state);
      failed ??= { state: withRun ? endOf(end.error) : "failed", error: end.error, errorTask: task.id };
      if (withRun || task.onError === "stop") break;
    }
  }
  const end: RunEnd = { state: "succeeded", error: undefined, errorTask: undefined, nothing, ...failed };
  if (!signal.aborted) return end;
  const reason = asAgentError(signal.reason);
  return { ...end, state: endOf(reason), error: reason };
}

/** What ended before an interruption is not done again, however it ended. */
function inheritedEnd({ inherited }: Stage, task: TaskDefinition): TaskEnd | undefined {
  const before = inherited?.tasks.get(task.id);
  if (!before) return undefined;
  const { state, result, error } = before;
  return error ? { state, result: undefined, error: fromRecord(error) } : { state, result, error: undefined };
}

/** A task is cancelled with its run only, and one without a deadline of its own was ended by the run's. */
function endedWithRun(task: TaskDefinition, state: TaskState): boolean {
  return state === "cancelled" || (state === "timed-out" && task.timeoutMs === undefined);
}

function endOf(reason: AgentError): RunState {
  if (reason.code === "FERRY_CANCELLED") return "cancelled";
  return reason.code === "FERRY_RUN_TIMEOUT" ? "timed-out" : "failed";
}
