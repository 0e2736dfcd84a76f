import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { AgentError } from "../base/errors.js";
import { isSafeName, visible } from "../base/names.js";
import type { TaskFile } from "./files.js";
import { exists, makeFolder, statsIfAny, targetExists } from "./local-files.js";
import { freeName } from "./names.js";
import type { OutputSpec } from "./output.js";
import type { TaskContext } from "./task.js";

/** Absolute; relative paths of definitions start at the workspace. */
export function localPath(context: TaskContext, path: string): string {
  return resolve(context.workspace, path);
}

/**
 * Where `file` is to be written, its folders made. `to` is a folder when it ends in `/`, is unset, or when a `name` is
 * given. Folders below the first wildcard are kept, unless `flatten`. What templates render cannot climb out with `..`,
 * and what is below the folder that `to` names cannot leave it through a link.
 */
export async function localTarget(
  context: TaskContext,
  spec: OutputSpec,
  file: TaskFile,
  ownName: string,
): Promise<string> {
  const to =
    spec.to === undefined
      ? join(await context.workFolder(), context.task, sep)
      : await renderedPath(context, spec.to, file);
  const root = localPath(context, to);
  if (spec.to !== undefined && !to.endsWith("/") && spec.name === undefined) return prepared(dirname(root), root);
  const name = spec.name === undefined ? ownName : await context.text(spec.name, { file });
  const below = spec.flatten ? "" : file.folder;
  return prepared(root, join(root, confined(below === "" ? name : `${below}/${name}`)));
}

/** A relative path from a template or a selection, made of safe names only. */
export function confined(path: string): string {
  const names = path.split(process.platform === "win32" ? /[/\\]/ : "/");
  for (const name of names) {
    if (name === ".." || (name === "" && names[0] === "")) throw outside(path);
    if (name === "." || !isSafeName(name))
      throw new AgentError("FERRY_NAME_REFUSED", `the name "${visible(path)}" is not accepted for a file`);
  }
  return path;
}

/** The value of a template that is a path. `..` counts only where it is written before the first `{{`. */
export async function renderedPath(context: TaskContext, template: string, file: TaskFile): Promise<string> {
  const path = await context.text(template, { file });
  if (path === "" || !isSafeName(path))
    throw new AgentError("FERRY_NAME_REFUSED", `${template} gives the path "${visible(path)}", which is not accepted`);
  const written = template.slice(0, template.search(/\{[{%]|$/));
  const folder = written.slice(0, written.lastIndexOf("/") + 1);
  const rest = path.startsWith(folder) ? path.slice(folder.length) : path;
  if (written !== template && rest.split(/[/\\]/).includes("..")) throw outside(path);
  return path;
}

/** Makes the folders of `target`, one by one below `root`: a link there would lead out of it. */
async function prepared(root: string, target: string): Promise<string> {
  await makeFolder(root);
  let folder = root;
  for (const name of relative(root, dirname(target)).split(sep).filter(Boolean)) {
    folder = join(folder, name);
    const there = await statsIfAny(folder);
    if (there?.isSymbolicLink()) throw outside(target);
    if (there === undefined) await makeFolder(folder);
  }
  return target;
}

export type IfExists = "fail" | "overwrite" | "skip" | "newer" | "rename";

export interface ChosenTarget {
  readonly path: string;
  readonly replace: boolean;
}

/** Applies `ifExists`; undefined when nothing is to be written. `mtimeNs`: of the source, for `newer`. */
export async function chooseTarget(
  path: string,
  ifExists: IfExists,
  mtimeNs: string,
): Promise<ChosenTarget | undefined> {
  const there = await statsIfAny(path);
  if (there === undefined) return { path, replace: ifExists === "overwrite" || ifExists === "newer" };
  if (there.isDirectory())
    throw new AgentError("FERRY_NOT_A_FILE", `${visible(path)} is a folder`, {
      hint: "end `to` in / to write into the folder",
    });
  switch (ifExists) {
    case "fail":
      throw targetExists(path);
    case "overwrite":
      return { path, replace: true };
    case "skip":
      return undefined;
    case "newer":
      return BigInt(mtimeNs) - there.mtimeNs > SAME_TIME_NS ? { path, replace: true } : undefined;
    case "rename":
      return { path: await freePath(path), replace: false };
  }
}

/** Times are kept through calls that know microseconds only. */
const SAME_TIME_NS = 1_000_000n;

/** The first of `name_1.ext`, `name_2.ext` … beside `path` that is free. */
export async function freePath(path: string): Promise<string> {
  const folder = dirname(path);
  return join(folder, await freeName(basename(path), (candidate) => exists(join(folder, candidate))));
}

function outside(path: string): AgentError {
  return new AgentError("FERRY_PATH_OUTSIDE", `"${visible(path)}" leads out of the folder that it is written to`);
}
