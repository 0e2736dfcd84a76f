import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.js";
import { AgentError, asAgentError, toRecord } from "../base/errors.js";
import type { Job } from "../jobs/job.js";
import type { TaskOutcome } from "../jobs/template-scope.js";
import type { Templates } from "../jobs/templates.js";
import type { WatchedFile } from "../scheduler/trigger.js";
import type { TaskFile } from "../tasks/files.js";
import type { Progress, TaskContext, TaskKind } from "../tasks/task.js";
import { allTasks, performRun, type RunEnd, type Stage } from "./pipeline.js";
import type { ClosedDeliveries, DeliverySummary, QueuedRun, RunEvent, Storage } from "./ports.js";
import { createSessionPool, type OpenConnection, type PoolOptions } from "./sessions.js";
import { outcomeOf, type RunSurroundings } from "./task-runner.js";

export interface Executor {
  readonly clock: Clock;
  readonly storage: Storage;
  readonly kinds: ReadonlyMap<string, TaskKind>;
  readonly workspace: string;
  /** `.ferry/work`. */
  readonly workRoot: string;
  readonly env: Readonly<Record<string, string>>;
  readonly templates: (job: Job) => Templates;
  readonly open: OpenConnection;
  readonly kept: PoolOptions["kept"];
  readonly log: (run: number, job: string, ...line: Parameters<TaskContext["log"]>) => void;
  readonly progress: (run: number, event: Progress) => void;
}

/** Does one run, from its variables to its final state. Rejects only when it cannot be recorded. */
export async function executeRun(executor: Executor, run: QueuedRun, job: Job, signal: AbortSignal): Promise<void> {
  const { storage, clock } = executor;
  const deadline = new AbortController();
  const overdue = new AgentError(
    "FERRY_RUN_TIMEOUT",
    `the run did not end within its timeout of ${job.timeoutMs / 1000} s`,
  );
  const timer = clock.timer(job.timeoutMs, () => deadline.abort(overdue));
  const pool = createSessionPool({
    run: run.id,
    // What goes on with a run, or sends again, is the agent's doing.
    byPerson: run.trigger === "manual" && run.continues === undefined,
    clock,
    recorder: storage.recorder,
    open: executor.open,
    kept: executor.kept,
    warn: (message) => executor.log(run.id, job.name, "warn", message),
    counter: { last: 0 },
  });
  const end = async (found: RunEnd): Promise<RunEnded> => {
    const closing = { run: run.id, error: toRecord(found.error ?? leftOpen()) };
    const event = await storage.recorder.recordEnd(closing, (closed, summary) =>
      finalEvent(run, withClosed(found, closed), summary),
    );
    executor.log(run.id, job.name, ...endLine(event));
    return event;
  };
  executor.log(run.id, job.name, "info", `begins, started by ${run.trigger}`);
  try {
    const stage = await prepare(executor, run, job, pool);
    const done = await performRun(stage, job, { cancelled: signal, overdue: deadline.signal });
    await pool.closeAll();
    const { state } = await end(done);
    // What a failed run made may be wanted again: to send what is held, one after the other, or what was left over.
    if (state === "succeeded" && run.resend === undefined) await removeWork(stage.around);
  } catch (error) {
    pool.destroyAll();
    const known = asAgentError(error);
    if (known.code === "FERRY_STORAGE") throw known;
    await end({ state: "failed", error: known, errorTask: undefined, nothing: [] });
  } finally {
    timer.cancel();
  }
}

/** The run has its final state by then, whether the folder goes or not. */
async function removeWork({ workFolder, log }: RunSurroundings): Promise<void> {
  await rm(workFolder, { recursive: true, force: true }).catch((error: unknown) =>
    log("warn", `${workFolder} could not be removed: ${String(error)}`),
  );
}

async function prepare(
  executor: Executor,
  run: QueuedRun,
  job: Job,
  pool: ReturnType<typeof createSessionPool>,
): Promise<Stage> {
  const { clock, storage } = executor;
  const inherited = await storage.recorder.inheritance(run.id);
  // What continues an interrupted run speaks of the same moment: names with dates in them stay the same.
  const startedAt = inherited?.startedAt ?? clock.now();
  const templates = executor.templates(job);
  const triggerFiles = run.files?.map(taskFile);
  const outcomes = new Map<string, TaskOutcome>();
  for (const [id, task] of inherited?.tasks ?? []) outcomes.set(id, outcomeOf(task.result));
  const fixed = {
    now: startedAt,
    job: job.name,
    trigger: { kind: run.trigger, firedAt: run.queuedAt, scheduledAt: run.scheduledAt, files: triggerFiles },
    env: executor.env,
    tasks: outcomes,
    taskIds: allTasks(job).map((task) => task.id),
  };
  const identity = { id: run.id, startedAt };
  const vars = await templates.variables(job.vars, run.vars, { ...fixed, run: identity, vars: {} });
  const around: RunSurroundings = {
    run: { id: run.id, job: job.name },
    resend: run.resend !== undefined,
    clock,
    workspace: executor.workspace,
    workFolder: join(executor.workRoot, String(inherited?.firstRun ?? run.id)),
    triggerFiles,
    kinds: executor.kinds,
    templates,
    recorder: storage.recorder,
    ledgers: storage.ledgers,
    session: pool.get,
    destroySessions: pool.destroyAll,
    log: (...line) => executor.log(run.id, job.name, ...line),
    progress: (event) => executor.progress(run.id, event),
  };
  return { around, inherited, outcomes, facts: (error) => ({ ...fixed, vars, run: { ...identity, error } }) };
}

type RunEnded = Extract<RunEvent, { readonly type: "run-finished" }>;

/** What the operator's log says of a run's end. */
function endLine({ state, reason, error }: RunEnded): Parameters<TaskContext["log"]> {
  if (error) return [state === "cancelled" ? "warn" : "error", `${state}: ${error.code}: ${error.message}`];
  return ["info", reason === undefined ? state : `${state}: ${reason}`];
}

function leftOpen(): AgentError {
  return new AgentError("FERRY_FILES_FAILED", "the run ended, and no task of it took up what was open");
}

/** What no task brought to its end is closed with the run, which then has not succeeded. */
function withClosed(end: RunEnd, closed: ClosedDeliveries): RunEnd {
  if (end.error || closed.held + closed.failed === 0) return end;
  const left = leftOpen();
  if (closed.held === 0) return { ...end, state: "failed", error: left };
  const held = new AgentError("FERRY_HELD", `${left.message}: whether it arrived is in doubt`);
  return { ...end, state: "failed", error: held };
}

function finalEvent(run: QueuedRun, end: RunEnd, summary: DeliverySummary): RunEnded {
  const moved = summary.delivered + summary.unverified > 0;
  const reason = moved || end.nothing.length === 0 ? undefined : end.nothing.join("; ");
  return {
    type: "run-finished",
    run: run.id,
    state: end.state,
    ...(reason === undefined ? {} : { reason }),
    ...(end.error ? { error: toRecord(end.error) } : {}),
    ...(end.errorTask === undefined ? {} : { errorTask: end.errorTask }),
  };
}

function taskFile(file: WatchedFile): TaskFile {
  const { path, folder, version } = file;
  return { path, folder, identity: version, origins: [{ path, identity: version }] };
}
