import { homedir } from "node:os";
import type { Control } from "../agent/control.js";
import { AgentError } from "../base/errors.js";
import { list } from "../base/nearest.js";
import type { ConnectionDefinition } from "../connections/registry.js";
import type { Definitions } from "../jobs/load.js";
import type { Problem } from "../jobs/problem.js";
import type { RunHistory } from "../runs/history.js";
import type { Vault } from "../vault/vault.js";
import { findWorkspace } from "../workspace/find.js";
import { type WorkspacePaths, workspacePaths } from "../workspace/paths.js";
import { checkOwner } from "../workspace/state.js";
import type { CommandContext } from "./command.js";

/** The workspace that a command works on; refused where it belongs to another user. */
export function locate(context: CommandContext): WorkspacePaths {
  const { env, folder } = context.io;
  const paths = workspacePaths(findWorkspace({ flag: context.workspace, env, folder }));
  checkOwner(paths, process.getuid?.());
  context.print.detail(`workspace ${paths.root}`);
  return paths;
}

/** Reads the history, also while an agent writes it. */
export async function withHistory<T>(
  context: CommandContext,
  read: (history: RunHistory, paths: WorkspacePaths) => Promise<T>,
): Promise<T> {
  const paths = locate(context);
  const { openHistory } = await import("../storage/sqlite/history.js");
  const history = openHistory(paths.history);
  try {
    return await read(history, paths);
  } finally {
    history.close();
  }
}

/** Asks whoever holds the workspace: the agent, else this process. */
export async function withControl<T>(
  context: CommandContext,
  needs: "agent" | "either",
  work: (control: Control) => Promise<T>,
): Promise<T> {
  const paths = locate(context);
  const { openControl } = await import("../agent/control.js");
  const control = await openControl(paths.root, { needs, as: context.command });
  context.print.detail(control.viaAgent ? "asking the agent" : "no agent is up: doing it here");
  try {
    return await work(control);
  } finally {
    await control.close();
  }
}

export type WorkspaceDefinitions = Definitions<ConnectionDefinition>;

/** All definitions as they are in the files now, with everything that is wrong with them. */
export async function readDefinitions(context: CommandContext, paths: WorkspacePaths): Promise<WorkspaceDefinitions> {
  const [{ loadDefinitions }, { connectionKinds }, { taskKinds }, { triggerKinds }] = await Promise.all([
    import("../jobs/load.js"),
    import("../connections/registry.js"),
    import("../tasks/registry.js"),
    import("../scheduler/registry.js"),
  ]);
  return loadDefinitions({
    workspace: paths.root,
    kinds: { connections: connectionKinds, tasks: taskKinds, triggers: triggerKinds },
    secretNames: await secretNames(context, paths),
    now: context.io.clock.now(),
  });
}

/** Undefined, with a warning, where the vault cannot be opened: then no secret is called missing. */
async function secretNames(context: CommandContext, paths: WorkspacePaths): Promise<readonly string[] | undefined> {
  try {
    const secrets = await (await vaultOf(context, paths)).list();
    return secrets.map((secret) => secret.name);
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== "FERRY_VAULT") throw error;
    context.print.warn(`${error.message}; whether secrets are missing is not known`);
    return undefined;
  }
}

export async function vaultOf(context: CommandContext, paths: WorkspacePaths): Promise<Vault> {
  const { openVault } = await import("../vault/vault.js");
  return openVault({ folder: paths.state, env: context.io.env, home: homedir(), clock: context.io.clock });
}

/** The connection `name`; where it is defined wrongly, what is wrong with it. */
export function connectionOf(definitions: WorkspaceDefinitions, name: string): ConnectionDefinition {
  const found = definitions.connections.get(name);
  if (found !== undefined) return found;
  const wrong = definitions.problems.find(
    (problem) =>
      problem.severity === "error" &&
      concerns(problem.path, `connections.${name}`, `connections[${JSON.stringify(name)}]`),
  );
  if (wrong !== undefined) throw wrongDefinition(wrong);
  throw unknownName("connection", name, [...definitions.connections.keys()]);
}

function concerns(path: string, ...places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`));
}

function wrongDefinition(problem: Problem): AgentError {
  return new AgentError(problem.code, `${problem.path}: ${problem.message}`, {
    where: `${problem.file}:${problem.line}:${problem.column}`,
    ...(problem.hint === null ? {} : { hint: problem.hint }),
  });
}

export function unknownName(what: "connection" | "job", name: string, known: readonly string[]): AgentError {
  return new AgentError("FERRY_NOT_FOUND", `there is no ${what} "${name}"`, {
    hint: `there ${known.length === 1 ? "is" : "are"}: ${list(known, "and")}`,
  });
}
