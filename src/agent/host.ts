import { homedir } from "node:os";
import { type Clock, sleep } from "../base/clock.js";
import { AgentError, asAgentError, type ErrorRecord, toRecord } from "../base/errors.js";
import { createMasker } from "../base/secret.js";
import { type ConnectionDefinition, connectionKinds } from "../connections/registry.js";
import { openTrustStore, type TrustStore } from "../connections/trust/store.js";
import { loadDefinitions } from "../jobs/load.js";
import { type Executor, executeRun } from "../runs/execute.js";
import type { RunHistory } from "../runs/history.js";
import { createLoginGuard } from "../runs/login-guard.js";
import type { InterruptedRun, QueuedRun, Storage } from "../runs/ports.js";
import { createWorker, type Worker } from "../runs/worker.js";
import { triggerKinds } from "../scheduler/registry.js";
import { openStorage } from "../storage/open.js";
import { openHistory } from "../storage/sqlite/history.js";
import { taskKinds } from "../tasks/registry.js";
import type { TaskKind } from "../tasks/task.js";
import { openVault, type Vault } from "../vault/vault.js";
import { type WorkspacePaths, workspacePaths } from "../workspace/paths.js";
import { checkOwner, makeState } from "../workspace/state.js";
import { definitionsInForce, type InForce } from "./definitions.js";
import { removeLeftWork } from "./left-work.js";
import { takeLock } from "./lock.js";
import { createLog, type Log } from "./log.js";
import { noSuchConnection, openConnection } from "./open-connection.js";
import { type Secrets, secretSource } from "./secret-source.js";
import { removeSpareWork } from "./spare-work.js";
import { jobTemplates, renderForFile } from "./templates.js";

export interface HostOptions {
  /** The workspace's absolute path. */
  readonly workspace: string;
  readonly clock: Clock;
  /** Who holds the workspace, in words: `the agent`, `ferry job run nightly`. */
  readonly as: string;
  /** How long to wait for another holder. */
  readonly waitMs: number;
  /** Whether log lines go to the console, too. */
  readonly console: boolean;
  readonly strict: boolean;
  /** Whether runs wait while the store refuses to take states; a command gives up, and leaves them to the next process. */
  readonly patient: boolean;
}

/** Everything that a process has which holds a workspace: the agent, or a command while no agent is up. */
export interface Host {
  readonly workspace: string;
  readonly clock: Clock;
  readonly storage: Storage;
  readonly vault: Vault;
  readonly secrets: Secrets;
  readonly trust: TrustStore;
  readonly definitions: InForce;
  readonly worker: Worker;
  readonly log: Log;
  /** Runs that a process which died left behind, and what became of them. */
  readonly recovered: readonly InterruptedRun[];
  readonly render: (template: string, file: { readonly path: string }) => Promise<string>;
  /** Limits the worker to runs for which `mine` holds; all, for the agent. */
  take(mine: (run: QueuedRun) => boolean): void;
  cancel(run: number, reason: AgentError): boolean;
  /** The runs that are going on, and whether the next start continues them should the process end now. */
  left(): Promise<readonly LeftRun[]>;
  history(): RunHistory;
  /** Removes what runs that did not succeed made for themselves, where nobody can want it any more. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

export interface LeftRun {
  readonly id: number;
  readonly isContinued: boolean;
}

/** How long to wait before the store is tried again. */
const STORAGE_PAUSE_MS = 5_000;
/** Continuing what was interrupted ends after so many times in a row: something in it kills the process. */
const MOST_CONTINUATIONS = 5;

/** Takes the lock, opens everything, and settles what a process that died left behind. */
export async function openHost(options: HostOptions): Promise<Host> {
  const { workspace, clock } = options;
  const paths = workspacePaths(workspace);
  checkOwner(paths, process.getuid?.());
  makeState(paths);
  const lock = await takeLock(paths.lock, { clock, waitMs: options.waitMs, as: options.as });
  const undo: (() => unknown)[] = [() => lock.release()];
  const undoAll = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const opened = await openParts(options, paths, (step) => undo.push(step));
    let mine: (run: QueuedRun) => boolean = () => true;
    const reader = openHistory(paths.history);
    undo.push(reader.close);
    const worker = createHostWorker(opened, (run) => mine(run));
    const recovered = await opened.storage.queue.recover((run) => mayContinue(run, opened.definitions));
    await removeLeftWork(paths.work, () => openHistory(paths.history));
    return {
      ...opened,
      worker,
      recovered,
      take: (filter) => {
        mine = filter;
        worker.wake();
      },
      cancel: worker.cancel,
      async left() {
        const runs = await opened.storage.queue.left();
        return runs.map((run) => ({ id: run.id, isContinued: mayContinue(run, opened.definitions) }));
      },
      history: () => ({ ...reader, close() {} }),
      tidy: () => removeSpareWork(paths.work, () => openHistory(paths.history), opened.log),
      async close() {
        await worker.drain();
        await undoAll();
      },
    };
  } catch (error) {
    await undoAll();
    throw error;
  }
}

type Parts = Pick<
  Host,
  "workspace" | "clock" | "storage" | "vault" | "secrets" | "trust" | "definitions" | "log" | "render"
> & { readonly paths: WorkspacePaths; readonly patient: boolean };

async function openParts(
  options: HostOptions,
  paths: WorkspacePaths,
  later: (undo: () => unknown) => void,
): Promise<Parts> {
  const { workspace, clock, patient } = options;
  const masker = createMasker();
  const vault = openVault({ folder: paths.state, clock, env: process.env, home: homedir() });
  const definitions = await definitionsInForce(workspace, async () => {
    const secretNames = (await vault.list()).map((secret) => secret.name);
    // A program or a server may repeat a secret that nothing here has asked for yet.
    for (const name of secretNames) masker.add((await vault.get(name))?.reveal() ?? "");
    const kinds = { connections: connectionKinds, tasks: taskKinds, triggers: triggerKinds };
    return loadDefinitions({ workspace, kinds, secretNames, now: clock.now() });
  });
  if (options.strict) refuseProblems(definitions);
  const { settings, timezone } = definitions.loaded;
  const { level, format, keep } = settings.log;
  const log = createLog({ folder: paths.logs, level, format, keepMs: keep, console: options.console, clock, masker });
  later(() => log.close());
  const storage = openStorage({ file: paths.history, clock, maskText: masker.mask });
  later(() => storage.close());
  const secrets = secretSource({ vault, masker, timezone, settings: () => definitions.loaded.settings });
  const trust = openTrustStore(paths.trust, { clock });
  const render = renderForFile({ clock, timezone, reveal: secrets.reveal });
  return { workspace, clock, patient, paths, storage, vault, secrets, trust, definitions, log, render };
}

function createHostWorker(parts: Parts, mine: (run: QueuedRun) => boolean): Worker {
  const { workspace, clock, storage, secrets, trust, definitions, log, paths } = parts;
  const guard = createLoginGuard(clock);
  const executor: Omit<Executor, "env"> = {
    ...{ clock, storage, kinds: kindsByType, workspace, workRoot: paths.work },
    templates: (job) => jobTemplates(job, secrets.reveal),
    async open(name, opening) {
      const definition = definitions.connection(name);
      if (!definition) throw noSuchConnection(name, definitions.loaded.connections.keys());
      const strict = definitions.loaded.settings.policy === "strict";
      return openConnection({ clock, workspace, secrets, trust, guard, strict }, name, definition, opening);
    },
    kept: (name) => keptLines(definitions.connection(name)),
    log: (run, job, level, message) => log(level, message, { run, job }),
    progress: () => undefined,
  };
  return createWorker({
    queue: storage.queue,
    clock,
    concurrency: definitions.loaded.settings.concurrency,
    job: definitions.job,
    mine,
    log,
    execute: (run, job, signal) =>
      executeRun({ ...executor, env: secrets.env() }, run, job, signal).catch((error: unknown) =>
        parts.patient ? continueLater(parts, run.id, error, signal) : Promise.reject(error),
      ),
  });
}

const kindsByType: ReadonlyMap<string, TaskKind> = new Map(
  taskKinds.map((kind) => [kind.type, kind as unknown as TaskKind]),
);

/**
 * The store refused what happened in a run, so the run was left where it stood. As soon as the store takes states again
 * it is settled like the run of a process that died, and continued; or, once it was cancelled, ended.
 */
async function continueLater(parts: Parts, run: number, error: unknown, cancelled: AbortSignal): Promise<void> {
  const { clock, storage, definitions, log } = parts;
  log(
    "error",
    `the run cannot be recorded, and waits: ${asAgentError(error).causeText ?? asAgentError(error).message}`,
    { run },
  );
  for (;;) {
    await sleep(clock, STORAGE_PAUSE_MS);
    try {
      if (cancelled.aborted) await endCancelled(storage, run, toRecord(cancelled.reason));
      else await storage.queue.recover((interrupted) => mayContinue(interrupted, definitions), run);
      return;
    } catch (again) {
      if (asAgentError(again).code !== "FERRY_STORAGE") throw again;
    }
  }
}

async function endCancelled({ recorder }: Storage, run: number, error: ErrorRecord): Promise<void> {
  await recorder.recordEnd({ run, error }, () => ({ type: "run-finished", run, state: "cancelled", error }));
}

function refuseProblems(definitions: InForce): void {
  const first = definitions.loaded.problems.find((problem) => problem.severity === "error");
  if (!first) return;
  throw new AgentError("FERRY_DEFINITION", `${first.message}`, {
    where: `${first.file}:${first.line}:${first.column}`,
  });
}

/** Only work that may be done again is gone on with; what a program did before the process died cannot be known. */
function mayContinue(run: InterruptedRun, definitions: InForce): boolean {
  // A job whose file is wrong at the moment is gone on with once it is right: till then the run waits.
  const isKnown = definitions.job(run.job) ?? definitions.loaded.off.find((off) => off.job === run.job);
  if (run.continuations >= MOST_CONTINUATIONS || isKnown === undefined) return false;
  return run.task === undefined || kindsByType.get(run.task.kind)?.repeatable === true;
}

function keptLines(definition: ConnectionDefinition | undefined): {
  readonly sent: boolean;
  readonly received: boolean;
} {
  return definition && "log" in definition ? definition.log : { sent: true, received: true };
}
