import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { AgentError } from "../base/errors.js";

export interface WhereToLook {
  /** The value of `--workspace`. */
  readonly flag: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

/** The workspace's absolute path, links resolved: the flag, else FERRY_WORKSPACE, else the nearest parent that is one. */
export function findWorkspace({ flag, env, folder }: WhereToLook): string {
  if (flag !== undefined) return named(flag, "--workspace", folder);
  const variable = env.FERRY_WORKSPACE;
  if (variable !== undefined && variable !== "") return named(variable, "FERRY_WORKSPACE", folder);
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (isWorkspace(at)) return realpathSync(at);
    if (at === dirname(at)) break;
  }
  throw new AgentError(
    "FERRY_NO_WORKSPACE",
    `no ferry.yaml and no connections.yaml in ${resolve(folder)} or a folder above it`,
  );
}

function isWorkspace(folder: string): boolean {
  return existsSync(join(folder, "ferry.yaml")) || existsSync(join(folder, "connections.yaml"));
}

function named(path: string, by: string, folder: string): string {
  const absolute = resolve(folder, path);
  if (!statSync(absolute, { throwIfNoEntry: false })?.isDirectory()) {
    throw new AgentError("FERRY_NO_WORKSPACE", `${absolute}, named by ${by}, is not a folder`);
  }
  return realpathSync(absolute);
}
