import { type Host, openHost } from "./agent/host.js";
import type { AgentStatus } from "./agent/operations.js";
import type { AgentOperations } from "./agent/perform.js";
import { createPerformer, withHistory } from "./agent/perform.js";
import { dialAgent } from "./agent/socket-client.js";
import { listen } from "./agent/socket-server.js";
import { type Clock, iso, systemClock, type Timer } from "./base/clock.js";
import { AgentError, asAgentError } from "./base/errors.js";
import type { RunState } from "./runs/run.js";
import { triggerKinds } from "./scheduler/registry.js";
import { type Scheduler, startScheduler } from "./scheduler/scheduler.js";
import { workspacePaths } from "./workspace/paths.js";

/** How long the agent waits for a command that holds the workspace. */
const LOCK_WAIT_MS = 10_000;
/** How long triggers and runs may take to end after the agent was told to stop; what is left is for the next start. */
const DRAIN_MS = 60_000;
const DAY_MS = 86_400_000;

export interface AgentOptions {
  /** Refuse to start when a definition is wrong. */
  readonly strict: boolean;
  readonly clock?: Clock;
}

/**
 * The agent in the foreground: watches the clock and the folders and runs the jobs, until SIGTERM, SIGINT or
 * `ferry agent stop`. Resolves to its exit code when what ran has ended: 130 after SIGINT, else 0. A second signal ends
 * the process at once.
 */
export async function runAgent(workspace: string, { strict, clock = systemClock }: AgentOptions): Promise<number> {
  const paths = workspacePaths(workspace);
  const other = await dialAgent(paths.socket);
  if (other) {
    other.close();
    throw new AgentError("FERRY_WORKSPACE_HELD", "an agent works on this workspace already", {
      hint: "see `ferry agent status`",
    });
  }
  const host = await openHost({
    workspace,
    clock,
    as: "the agent",
    waitMs: LOCK_WAIT_MS,
    console: true,
    strict,
    patient: true,
  });
  const ending: Ending = { controller: new AbortController(), code: 0 };
  const { signal } = ending.controller;
  const deaf = logBugs(host);
  try {
    tellRecovered(host);
    const scheduler = schedule(host);
    const performer = createPerformer(
      host,
      operations(host, scheduler, () => ending.controller.abort()),
    );
    const server = await listen(paths.socket, performer).catch(async (error: unknown) => {
      await scheduler.stop();
      throw error;
    });
    const released = onSignals(host, scheduler, ending);
    host.worker.wake();
    tellProblems(host);
    host.log("info", `the agent is up: ${host.definitions.jobs().length} jobs, process ${process.pid}`);
    const endTidying = tidyDaily(host);
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    host.log("info", "the agent is ending: no new run begins");
    await drain(host, scheduler, ending);
    await endTidying();
    await server.close();
    released();
    host.log("info", "the agent has ended");
  } finally {
    deaf();
    await host.close();
  }
  return ending.code;
}

/** What reaches nobody goes to the log, with its stack. Whether the process goes on is decided elsewhere. */
function logBugs(host: Host): () => void {
  const tell = (bug: unknown): void => {
    const { code, message, causeText } = asAgentError(bug);
    host.log("error", `${code}: ${message}: ${causeText}`);
  };
  process.prependListener("unhandledRejection", tell).prependListener("uncaughtException", tell);
  return () => void process.off("unhandledRejection", tell).off("uncaughtException", tell);
}

/** What tells the agent to end, and the exit code that it ends with then. */
interface Ending {
  readonly controller: AbortController;
  code: 0 | 130;
}

function schedule(host: Host): Scheduler {
  const { clock, storage, workspace, worker } = host;
  return startScheduler({
    jobs: scheduledJobs(host),
    kinds: triggerKinds,
    clock,
    marks: storage.marks,
    workspace,
    render: host.render,
    async book(job, kind, trigger, firings, mark) {
      const runs = await storage.queue.book(job, kind, trigger, firings, mark);
      if (runs.length > 0) worker.wake();
      return runs;
    },
    log: (level, message) => host.log(level, message),
  });
}

function scheduledJobs(host: Host) {
  return host.definitions.jobs().filter((job) => job.enabled);
}

function operations(host: Host, scheduler: Scheduler, stop: () => void): AgentOperations {
  const since = iso(host.clock.now());
  return {
    stop,
    reload: () => reload(host, scheduler),
    async status(): Promise<AgentStatus> {
      const ofState = (state: RunState) =>
        withHistory(host, (history) => history.runs({ states: [state], limit: 1000 }));
      return {
        up: true,
        pid: process.pid,
        since,
        jobs: host.definitions.jobs().length,
        running: await ofState("running"),
        queued: await ofState("queued"),
        off: host.definitions.loaded.off,
        changed: host.definitions.changed(),
        watchers: scheduler.watchers().map((watcher) => ({
          job: watcher.job,
          path: watcher.path,
          state: watcher.state,
          lastEvent: watcher.lastEvent ? iso(watcher.lastEvent) : null,
          lastSweep: watcher.lastSweep ? iso(watcher.lastSweep) : null,
          pending: watcher.pending,
          error: watcher.error ?? null,
        })),
      };
    },
  };
}

async function reload(host: Host, scheduler: Scheduler): Promise<void> {
  await host.definitions.reload();
  await scheduler.reload(scheduledJobs(host));
  host.worker.wake();
  host.log("info", `the definitions were read again: ${host.definitions.jobs().length} jobs`);
  tellProblems(host);
}

/** Now, and once a day until it is told to end. */
function tidyDaily(host: Host): () => Promise<void> {
  let next: Timer | undefined;
  let last: Promise<void> = Promise.resolve();
  const tidy = (): void => {
    last = host.tidy().catch((error: unknown) => host.log("warn", `tidying up: ${asAgentError(error).message}`));
    next = host.clock.timer(DAY_MS, tidy);
  };
  tidy();
  return () => {
    next?.cancel();
    return last;
  };
}

function onSignals(host: Host, scheduler: Scheduler, ending: Ending): () => void {
  let asked = 0;
  const end = (signal: NodeJS.Signals): void => {
    asked += 1;
    if (signal === "SIGINT") ending.code = 130;
    // What was open is continued at the next start, as after a crash.
    if (asked > 1) process.exit(ending.code);
    ending.controller.abort();
  };
  const again = (): void => {
    reload(host, scheduler).catch((error: unknown) => host.log("error", `reload: ${asAgentError(error).message}`));
  };
  process.on("SIGTERM", end).on("SIGINT", end).on("SIGHUP", again);
  return () => void process.off("SIGTERM", end).off("SIGINT", end).off("SIGHUP", again);
}

/** Runs end by themselves; what takes too long is left as a crash would leave it, for the next start. */
async function drain(host: Host, scheduler: Scheduler, ending: Ending): Promise<void> {
  const left = host.clock.timer(DRAIN_MS, () => {
    tellLeft(host)
      .catch((error: unknown) => host.log("warn", `ended before all runs had: ${asAgentError(error).message}`))
      .finally(() => process.exit(ending.code));
  });
  await Promise.all([host.worker.drain(), scheduler.stop()]);
  left.cancel();
}

async function tellLeft(host: Host): Promise<void> {
  const left = await host.left();
  if (left.length === 0) host.log("warn", "ended before the triggers had");
  for (const { id, isContinued } of left) {
    const then = isContinued
      ? "it will be continued at the next start"
      : "it will not be continued, because what it was doing may not be done twice: see `ferry history show`";
    host.log("warn", `ended before run ${id} had: ${then}`);
  }
}

function tellRecovered(host: Host): void {
  for (const run of host.recovered) {
    const then =
      run.continuedBy === undefined
        ? "it is not continued: see `ferry history show`"
        : `run ${run.continuedBy} continues it`;
    host.log("warn", `run ${run.id} of ${run.job} was interrupted; ${then}`);
  }
}

function tellProblems(host: Host): void {
  for (const { file, job, problem } of host.definitions.loaded.off)
    host.log("error", `${job ?? file} is off: ${problem}`);
}
