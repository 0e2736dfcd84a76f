import { posix } from "node:path";
import { AgentError } from "../../base/errors.js";
import { safeFileName, safeRemotePath } from "../../base/names.js";
import type { TaskFile } from "../files.js";
import { temporaryName } from "../names.js";
import { renderedPath } from "../target.js";
import type { TaskContext } from "../task.js";

export interface TargetSpec {
  readonly to?: string | undefined;
  readonly name?: string | undefined;
  readonly flatten?: boolean | undefined;
  readonly publish: "rename" | "direct" | { readonly temporary: string };
}

export interface RemoteTarget {
  readonly remotePath: string;
  readonly temporaryPath: string;
}

/**
 * Where `file` goes. `to` is a folder when it ends in `/` or a `name` is given, else the file's own path; by default the
 * connection's directory. Folders below the first wildcard are kept, unless `flatten`.
 */
export async function remoteTarget(context: TaskContext, spec: TargetSpec, file: TaskFile): Promise<RemoteTarget> {
  const to = spec.to === undefined || spec.to === "" ? "" : await renderedPath(context, spec.to, file);
  const isFolder = to === "" || to.endsWith("/") || spec.name !== undefined;
  const own = posix.basename(file.path.replaceAll("\\", "/"));
  const name = spec.name === undefined ? own : await context.text(spec.name, { file });
  const below = spec.flatten ? "" : file.folder;
  const relative = isFolder ? posix.join(below, confined(name)) : "";
  const remotePath = safeRemotePath(isFolder ? posix.join(to, relative) : to);
  return { remotePath, temporaryPath: await temporary(context, spec, file, remotePath) };
}

async function temporary(context: TaskContext, spec: TargetSpec, file: TaskFile, remotePath: string): Promise<string> {
  if (spec.publish === "direct") return remotePath;
  const folder = posix.dirname(remotePath);
  if (spec.publish === "rename") return posix.join(folder, temporaryName(posix.basename(remotePath)));
  const wanted = await context.text(spec.publish.temporary, { file });
  const path = safeRemotePath(wanted.startsWith("/") ? wanted : posix.join(folder, wanted));
  if (path === remotePath)
    throw new AgentError("FERRY_DEFINITION", `the temporary name of ${remotePath} is its final name`);
  return path;
}

/** A rendered name may name folders, but never climbs. */
function confined(name: string): string {
  if (name === "" || name.startsWith("/"))
    throw new AgentError("FERRY_PATH_OUTSIDE", `the name "${name}" is not below the target folder`);
  for (const part of name.split("/")) {
    if (part === "..") throw new AgentError("FERRY_PATH_OUTSIDE", `the name "${name}" leads out of the target folder`);
    safeFileName(part);
  }
  return name;
}
