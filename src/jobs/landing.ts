import { basename, dirname, relative, resolve, sep } from "node:path";
import type { TriggerDefinition } from "../scheduler/trigger.js";
import { nameFilter } from "../scheduler/watch-names.js";
import type { WatchOptions } from "../scheduler/watch-schema.js";
import { isTemplate } from "../tasks/template-text.js";
import { realPath } from "./forbidden-folders.js";
import { valueAt } from "./parse.js";

/**
 * The watched folder into which an upload would put its sources under names that count there; undefined when there is
 * none, and where only the run can tell. `root` is the workspace.
 */
export function landsIn(
  spec: Readonly<Record<string, unknown>>,
  triggers: readonly TriggerDefinition[],
  root: string,
): string | undefined {
  const move = valueAt(spec, ["after", "move"]);
  const rename = valueAt(spec, ["after", "rename"]);
  const text = move ?? rename;
  if (typeof text !== "string" || isTemplate(text)) return undefined;
  const watches = triggers.filter(({ kind }) => kind === "watch").map(({ spec }) => valueAt(spec, ["watch"]));
  // The schema of the watch has been here.
  return (watches as readonly WatchOptions[]).find((watch) => {
    // Without its done file beside it, nothing counts.
    if (watch.doneFile !== undefined) return false;
    if (move !== undefined && !text.endsWith("/")) return takesPath(watch, root, text);
    if (!takesTriggerFiles(spec)) return false;
    return move === undefined ? takesName(watch, text) : takesFolder(watch, root, text);
  })?.path;
}

function takesPath(watch: WatchOptions, root: string, text: string): boolean {
  const path = resolve(root, text);
  const below = wayBelow(watch, root, dirname(path));
  return below !== undefined && nameFilter(watch)(basename(path), [...below, basename(path)].join("/"));
}

/** In the folder in which the file lies, whichever of those below it is. */
function takesName(watch: WatchOptions, name: string): boolean {
  return (!watch.recursive || goesByName(watch)) && nameFilter(watch)(name, name);
}

/** The name stays, so it counts again; but below, a pattern of folders may tell. */
function takesFolder(watch: WatchOptions, root: string, text: string): boolean {
  return wayBelow(watch, root, resolve(root, text)) !== undefined && (!watch.recursive || goesByName(watch));
}

/** The folders from the watched one to `folder`; undefined when what lies there is not looked at. */
function wayBelow(watch: WatchOptions, root: string, folder: string): readonly string[] | undefined {
  const watched = realPath(resolve(root, watch.path));
  const way = relative(watched, realPath(folder));
  if (way === "") return [];
  // Those that begin with a point are hidden, and ".." is outside.
  const names = way.split(sep);
  const isSeen = watch.recursive && names.every((name) => !name.startsWith("."));
  return isSeen ? names : undefined;
}

function goesByName({ include = [], exclude }: WatchOptions): boolean {
  return ![...include, ...exclude].some((pattern) => pattern.includes("/"));
}

function takesTriggerFiles({ from }: Readonly<Record<string, unknown>>): boolean {
  return from === undefined || (typeof from === "string" && /^\{\{-?\s*trigger\.files\s*-?\}\}$/.test(from));
}
