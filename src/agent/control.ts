import { type Clock, sleep, systemClock } from "../base/clock.js";
import { AgentError, asAgentError } from "../base/errors.js";
import type { RunRecord } from "../runs/history.js";
import { isFinal } from "../runs/run.js";
import { openHistory } from "../storage/sqlite/history.js";
import { workspacePaths } from "../workspace/paths.js";
import type { Host } from "./host.js";
import type { OperationName, OperationTable } from "./operations.js";
import { createPerformer, withHistory } from "./perform.js";
import { dialAgent, type SocketClient } from "./socket-client.js";

/** Whoever does what a command asks: an agent that is up, or this process, which then holds the workspace. */
export interface Control {
  readonly viaAgent: boolean;
  perform<Name extends OperationName>(
    name: Name,
    params: OperationTable[Name]["params"],
  ): Promise<OperationTable[Name]["result"]>;
  /** Resolves when `run` has its final state: in this process by doing the work, with an agent by watching the history. */
  finished(run: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ControlOptions {
  readonly needs: "agent" | "either";
  /** The command in words, for others that have to wait for it: `ferry job run nightly`. */
  readonly as: string;
}

/** How long a command waits for another command that holds the workspace. */
const LOCK_WAIT_MS = 10_000;
/** After this the agent is looked for again: one that starts holds the workspace before it answers. */
const LOOK_AGAIN_MS = 500;
const FOLLOW_MS = 100;

/**
 * The agent's socket when one answers; else takes the workspace's lock (waits 10 s for another command, then fails with
 * FERRY_WORKSPACE_HELD) and does the work here. With `needs: "agent"` no agent is FERRY_AGENT_NOT_RUNNING.
 */
export async function openControl(workspace: string, options: ControlOptions): Promise<Control> {
  const clock = systemClock;
  const until = clock.monotonic() + LOCK_WAIT_MS;
  for (;;) {
    const client = await dialAgent(workspacePaths(workspace).socket);
    if (client) return throughAgent(workspace, client, clock);
    if (options.needs === "agent")
      throw new AgentError("FERRY_AGENT_NOT_RUNNING", "no agent is running on this workspace");
    // Only a command that does the work itself needs all that the work needs.
    const { openHost } = await import("./host.js");
    const common = { workspace, clock, as: options.as, console: false, strict: false, patient: false };
    try {
      return here(await openHost({ ...common, waitMs: LOOK_AGAIN_MS }));
    } catch (error) {
      if (asAgentError(error).code !== "FERRY_WORKSPACE_HELD" || clock.monotonic() >= until) throw error;
    }
  }
}

function throughAgent(workspace: string, client: SocketClient, clock: Clock): Control {
  return {
    viaAgent: true,
    // The agent answers in the form that the table says.
    perform: (name, params) => client.ask(name, params) as never,
    async finished(run, signal) {
      const history = openHistory(workspacePaths(workspace).history);
      try {
        for (;;) {
          // Asked first: what an agent records before it ends is then seen below.
          const up = client.alive();
          const record = await history.run(run);
          if (record && isFinal(record.state)) return;
          if (!up) throw leftBehind(run);
          await sleep(clock, FOLLOW_MS, signal);
        }
      } finally {
        history.close();
      }
    },
    close: async () => client.close(),
  };
}

function leftBehind(run: number): AgentError {
  return new AgentError("FERRY_AGENT_NOT_RUNNING", `the agent ended before run ${run} had`, {
    hint: "start it again: it goes on with the run, or the history says why it cannot",
  });
}

/** Here nobody asked for the queue to be worked off: only for the runs of this command, and what they wait for. */
function here(host: Host): Control {
  const jobs = new Set<string>();
  host.take((run) => jobs.has(run.job));
  const perform = createPerformer(host, undefined);
  return {
    viaAgent: false,
    perform: (name, params) => perform(name, params) as never,
    async finished(run, signal) {
      const record = await recordOf(host, run);
      if (!record || isFinal(record.state)) return;
      const cancel = (): void => void host.cancel(run, new AgentError("FERRY_CANCELLED", "cancelled by a person"));
      signal.addEventListener("abort", cancel, { once: true });
      jobs.add(record.job);
      host.worker.wake();
      await host.worker.ended(run);
      signal.removeEventListener("abort", cancel);
      const ended = await recordOf(host, run);
      if (!ended || !isFinal(ended.state)) throw unrecorded(run);
    },
    close: () => host.close(),
  };
}

function recordOf(host: Host, run: number): Promise<RunRecord | undefined> {
  return withHistory(host, (history) => history.run(run));
}

function unrecorded(run: number): AgentError {
  return new AgentError("FERRY_STORAGE", `run ${run} could not be recorded to its end, and was left where it stood`, {
    hint: "free disk space; the next run of this job, or the agent, goes on from there",
  });
}
