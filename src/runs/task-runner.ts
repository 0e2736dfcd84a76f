import { randomInt } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { type Clock, sleep, type Timer } from "../base/clock.js";
import { AgentError, asAgentError, toRecord } from "../base/errors.js";
import type { RemoteSession } from "../connections/session.js";
import type { TaskDefinition } from "../jobs/job.js";
import type { TaskOutcome, TemplateFacts } from "../jobs/template-scope.js";
import type { Templates } from "../jobs/templates.js";
import type { TaskFile } from "../tasks/files.js";
import type { Progress, TaskContext, TaskKind, TaskResult } from "../tasks/task.js";
import type { Ledgers, RunRecorder, StoredResult } from "./ports.js";
import { nextTry } from "./retry.js";
import type { TaskState } from "./run.js";

/** What the tasks of one run share. */
export interface RunSurroundings {
  readonly run: { readonly id: number; readonly job: string };
  readonly resend: boolean;
  readonly clock: Clock;
  readonly workspace: string;
  readonly workFolder: string;
  readonly triggerFiles: readonly TaskFile[] | undefined;
  readonly kinds: ReadonlyMap<string, TaskKind>;
  readonly templates: Templates;
  readonly recorder: RunRecorder;
  readonly ledgers: Ledgers;
  readonly session: (connection: string, task: string) => Promise<RemoteSession>;
  /** Ends every open session at once. */
  readonly destroySessions: () => void;
  readonly log: TaskContext["log"];
  readonly progress: (event: Progress) => void;
}

export interface TaskEnd {
  readonly state: TaskState;
  readonly result: TaskResult | undefined;
  readonly error: AgentError | undefined;
}

/** Runs one task with its condition, its tries and its deadline, and records how it ended. Rejects only when it cannot be recorded. */
export async function runTask(
  around: RunSurroundings,
  task: TaskDefinition,
  facts: () => TemplateFacts,
  signal: AbortSignal,
): Promise<TaskEnd> {
  const tries = { made: 0 };
  const deadline = new AbortController();
  const both = AbortSignal.any([signal, deadline.signal]);
  const timer =
    task.timeoutMs === undefined ? undefined : around.clock.timer(task.timeoutMs, () => deadline.abort(overdue(task)));
  const destroy = (): void => around.destroySessions();
  both.addEventListener("abort", destroy);
  try {
    const result = await tryTask(around, task, facts, both, tries);
    return await succeed(around, task, tries.made, result);
  } catch (error) {
    const known = asAgentError(both.aborted ? both.reason : error);
    // What could not be recorded has no verdict: the run stays as it stands, to be gone on with.
    if (known.code === "FERRY_STORAGE") throw known;
    return fail(around, task, tries.made, known);
  } finally {
    both.removeEventListener("abort", destroy);
    timer?.cancel();
  }
}

async function tryTask(
  around: RunSurroundings,
  task: TaskDefinition,
  facts: () => TemplateFacts,
  signal: AbortSignal,
  tries: { made: number },
): Promise<TaskResult | undefined> {
  if (task.when !== undefined && !(await around.templates.expression(task.when, facts()))) return undefined;
  for (;;) {
    tries.made += 1;
    await around.recorder.record({
      type: "task-started",
      run: around.run.id,
      task: task.id,
      kind: task.kind,
      attempt: tries.made,
    });
    try {
      const kind = around.kinds.get(task.kind);
      if (!kind) throw new AgentError("FERRY_BUG", `there is no task kind ${task.kind}`);
      const spec = await around.templates.evaluateAll(task.spec, facts(), kind.lazy);
      const work = kind.run(spec, contextOf(around, task, facts, tries.made, signal));
      return await settledOrAborted(work, signal, around.clock);
    } catch (error) {
      signal.throwIfAborted();
      const known = asAgentError(error);
      const wait = nextTry(task.retry, tries.made, known, randomInt(1000) / 1000);
      if (wait === undefined) throw known;
      const next = `tried again in ${Math.round(wait / 1000)} s (try ${tries.made + 1} of ${task.retry.attempts})`;
      around.log("warn", `${task.id}: ${known.message}; ${next}`);
      await sleep(around.clock, wait, signal);
    }
  }
}

function overdue(task: TaskDefinition): AgentError {
  return new AgentError(
    "FERRY_RUN_TIMEOUT",
    `the task ${task.id} did not end within its timeout of ${(task.timeoutMs ?? 0) / 1000} s`,
  );
}

async function succeed(
  around: RunSurroundings,
  task: TaskDefinition,
  attempts: number,
  result: TaskResult | undefined,
): Promise<TaskEnd> {
  const about = { run: around.run.id, task: task.id, kind: task.kind } as const;
  if (result === undefined) {
    await around.recorder.record({ type: "task-finished", ...about, state: "skipped", attempts });
    return { state: "skipped", result, error: undefined };
  }
  const state: TaskState = result.warning === undefined ? "succeeded" : "warned";
  if (result.warning !== undefined) around.log("warn", `${task.id}: ${result.warning}`);
  await around.recorder.record({ type: "task-finished", ...about, state, attempts, result: stored(result) });
  return { state, result, error: undefined };
}

async function fail(
  around: RunSurroundings,
  task: TaskDefinition,
  attempts: number,
  error: AgentError,
): Promise<TaskEnd> {
  const state: TaskState =
    error.code === "FERRY_CANCELLED" ? "cancelled" : error.code === "FERRY_RUN_TIMEOUT" ? "timed-out" : "failed";
  const about = { run: around.run.id, task: task.id, error: toRecord(error) };
  await around.recorder.recordEnd(about, () => ({ type: "task-finished", ...about, kind: task.kind, state, attempts }));
  return { state, result: undefined, error };
}

/** How long a task that was told to end may take to do so, before the run goes on without it. */
const GRACE_MS = 5_000;

/** The sockets of an aborted task are destroyed, so it fails soon; one that does not listen may not hold the run. */
function settledOrAborted<T>(work: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: Timer | undefined;
    const abort = (): void => {
      timer = clock.timer(GRACE_MS, () => reject(signal.reason));
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => {
      timer?.cancel();
      signal.removeEventListener("abort", abort);
    });
  });
}

function contextOf(
  around: RunSurroundings,
  task: TaskDefinition,
  facts: () => TemplateFacts,
  attempt: number,
  signal: AbortSignal,
): TaskContext {
  const current = (given: { readonly file?: TaskFile } | undefined): TemplateFacts =>
    given?.file ? { ...facts(), file: given.file } : facts();
  return {
    run: around.run,
    task: task.id,
    attempt,
    clock: around.clock,
    signal,
    workspace: around.workspace,
    async workFolder() {
      await mkdir(around.workFolder, { recursive: true, mode: 0o700 });
      return around.workFolder;
    },
    triggerFiles: around.triggerFiles,
    async session(connection) {
      signal.throwIfAborted();
      return around.session(connection, task.id);
    },
    ledger: around.ledgers.of(around.run.id, task.id),
    resend: around.resend,
    evaluate: (template, given) => around.templates.evaluate(template, current(given)),
    text: (template, given) => around.templates.text(template, current(given)),
    log: around.log,
    progress: around.progress,
  };
}

function stored(result: TaskResult): StoredResult {
  const { files, output, status } = result;
  return { files, ...(output === undefined ? {} : { output }), ...(status === undefined ? {} : { status }) };
}

export function outcomeOf(result: StoredResult): TaskOutcome {
  return { files: result.files, output: result.output, status: result.status };
}
