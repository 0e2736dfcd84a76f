import { AgentError } from "../base/errors.js";
import type { RunHistory, RunRecord } from "../runs/history.js";
import { allTasks } from "../runs/pipeline.js";
import type { TakenFiles } from "../runs/ports.js";
import type { WatchedFile } from "../scheduler/trigger.js";
import { acceptTrust, forgetTrust, removeSecret, setSecret } from "./audited.js";
import { currentFiles } from "./current-files.js";
import type { Host } from "./host.js";
import type { AgentStatus, OperationName, OperationTable } from "./operations.js";

type Performers = {
  readonly [Name in OperationName]: (params: OperationTable[Name]["params"]) => Promise<OperationTable[Name]["result"]>;
};

/** What only an agent can do of the table. */
export interface AgentOperations {
  status(): Promise<AgentStatus>;
  stop(): void;
  reload(): Promise<void>;
}

/** Does what commands ask for, on the workspace that `host` holds. */
export function createPerformer(
  host: Host,
  agent: AgentOperations | undefined,
): (name: string, params: unknown) => Promise<unknown> {
  const performers: Performers = {
    "job.run": async ({ job, vars }) => ({ run: await startRun(host, job, vars) }),
    "job.cancel": ({ run }) => cancelRun(host, run),
    "job.resolve": ({ run, file, as }) => resolve(host, run, file, as),
    "secret.set": ({ name, value }) => setSecret(host, name, value),
    "secret.remove": ({ name }) => removeSecret(host, name),
    "trust.accept": ({ connection, accepted }) => acceptTrust(host, connection, accepted),
    "trust.forget": ({ connection }) => forgetTrust(host, connection),
    "agent.status": async () => needed(agent).status(),
    "agent.stop": async () => {
      needed(agent).stop();
      return {};
    },
    "agent.reload": async () => {
      await needed(agent).reload();
      return { off: host.definitions.loaded.off };
    },
  };
  return async (name, params) => {
    const perform = Object.hasOwn(performers, name) ? performers[name as OperationName] : undefined;
    if (!perform)
      throw new AgentError("FERRY_AGENT_REFUSED", `the agent does not know "${name}"; is it of another version?`);
    // The command and the agent are of one program: what the table says of a name's parameters holds.
    return perform(params as never);
  };
}

async function startRun(host: Host, name: string, vars: Readonly<Record<string, string>>): Promise<number> {
  const job = host.definitions.job(name);
  if (!job) throw host.definitions.noSuchJob(name);
  const unknown = Object.keys(vars).find((key) => !Object.hasOwn(job.vars, key));
  if (unknown !== undefined) {
    const declared = Object.keys(job.vars).join(", ") || "none";
    throw new AgentError(
      "FERRY_USAGE",
      `the job ${name} does not declare the variable ${unknown}; it declares: ${declared}`,
    );
  }
  const { clock, storage, workspace, render } = host;
  const taken = await currentFiles(job, { workspace, clock, marks: storage.marks, render });
  const run = await storage.queue.enqueue(
    {
      job: name,
      trigger: "manual",
      triggerId: "manual",
      key: `${clock.now().toISOString()} ${crypto.randomUUID()}`,
      scheduledAt: undefined,
      files: taken && allOf(taken),
      usefulUntil: undefined,
      vars,
      attempt: 1,
      continues: undefined,
      resend: undefined,
    },
    taken,
  );
  if (run === undefined) throw new AgentError("FERRY_BUG", "a manual run was queued twice");
  host.worker.wake();
  return run;
}

/** Each once, however many watches take it. */
function allOf(taken: readonly TakenFiles[]): readonly WatchedFile[] {
  return [...new Map(taken.flatMap(({ files }) => files.map((file) => [file.path, file]))).values()];
}

async function cancelRun(host: Host, run: number): Promise<{ state: "cancelled" | "cancelling" }> {
  const record = await recordOf(host, run);
  const reason = new AgentError("FERRY_CANCELLED", "cancelled by a person");
  if (host.cancel(run, reason)) return { state: "cancelling" };
  if (record.state === "queued" && (await host.storage.queue.drop(run, "cancelled", "cancelled by a person")))
    return { state: "cancelled" };
  // It began, or ended, in this moment.
  if (host.cancel(run, reason)) return { state: "cancelling" };
  const { state } = await recordOf(host, run);
  throw new AgentError("FERRY_USAGE", `run ${run} has ended already: it is ${state}`);
}

async function resolve(
  host: Host,
  run: number,
  file: string,
  as: "delivered" | "resend",
): Promise<{ run: number | null }> {
  const { job } = await recordOf(host, run);
  const held = await host.storage.ledgers.held(run, file);
  if (!held) {
    throw new AgentError("FERRY_NOT_FOUND", `run ${run} has no held delivery of ${file}`, {
      hint: "see `ferry job held`",
    });
  }
  const note = `run ${run}: ${file} as ${as}`;
  if (as === "delivered") {
    if (!putsAway(host, job, held.task)) {
      await host.storage.ledgers.resolveDelivered(held.id, note);
      return { run: null };
    }
    const puttingAway = await host.storage.ledgers.resolvePutAway(held.id, note);
    host.worker.wake();
    return { run: puttingAway };
  }
  const resending = await host.storage.ledgers.resolveResend(held.id, note);
  host.worker.wake();
  return { run: resending };
}

/** Whether the task, as it is in force, puts its sources away once they are delivered. */
function putsAway(host: Host, job: string, task: string): boolean {
  const definition = host.definitions.job(job);
  const spec = definition && allTasks(definition).find((one) => one.id === task)?.spec;
  return typeof spec === "object" && spec !== null && "after" in spec && spec.after !== "keep";
}

async function recordOf(host: Host, run: number): Promise<RunRecord> {
  const record = await withHistory(host, (history) => history.run(run));
  if (!record) throw new AgentError("FERRY_NOT_FOUND", `there is no run ${run}`, { hint: "see `ferry history`" });
  return record;
}

export async function withHistory<T>(host: Host, read: (history: RunHistory) => Promise<T>): Promise<T> {
  const history = host.history();
  try {
    return await read(history);
  } finally {
    history.close();
  }
}

function needed(agent: AgentOperations | undefined): AgentOperations {
  if (!agent) throw new AgentError("FERRY_AGENT_NOT_RUNNING", "no agent is running");
  return agent;
}
