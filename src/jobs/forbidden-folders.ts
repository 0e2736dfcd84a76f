import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { systemCode } from "../base/errors.js";
import type { WorkspacePaths } from "../workspace/paths.js";

/**
 * What a watched or download folder would swallow: the definitions or the state of this workspace. A server that names
 * its files `jobs/x.yaml` would otherwise write jobs. Undefined when the folder is harmless. Of a text with a template
 * only the folders before it are known.
 */
export function swallowed(paths: WorkspacePaths, text: string): string | undefined {
  const begin = text.search(/\{\{|\{%/);
  const fixed = begin < 0 ? text : text.slice(0, text.lastIndexOf("/", begin) + 1);
  if (begin >= 0 && fixed === "") return undefined;
  const root = realPath(paths.root);
  const folder = realPath(resolve(paths.root, fixed));
  const work = join(root, relative(paths.root, paths.work));
  const ours = [
    ...[paths.state, paths.settings, paths.connections],
    ...[paths.connectionsFolder, paths.jobsFolder, paths.calendarsFolder],
  ].map((path) => relative(paths.root, path));
  return ours.find((name) => {
    const own = join(root, name);
    if (begin < 0 && isWithin(own, folder)) return true;
    return isWithin(folder, own) && !isWithin(folder, work);
  });
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (!isAbsolute(way) && way !== ".." && !way.startsWith(`..${sep}`));
}

/** Links resolved as far as the path exists. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (systemCode(error) === undefined || path === dirname(path)) return path;
    return join(realPath(dirname(path)), basename(path));
  }
}
