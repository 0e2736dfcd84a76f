import { realpath } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { AgentError, systemCode } from "../../base/errors.js";

/** Turns the session's paths into paths on this machine, none of which leads out of the folder. */
export interface Confinement {
  readonly root: string;
  /** The place of `path`. Its folder may not lie outside the root by way of a link either. */
  place(path: string): Promise<string>;
}

/** `root` is an existing folder. */
export async function confine(root: string): Promise<Confinement> {
  const real = await realpath(root);
  const outside = (path: string): AgentError => new AgentError("FERRY_PATH_OUTSIDE", `${path} leads out of ${root}`);
  return {
    root: real,
    async place(path) {
      const wanted = resolve(real, path);
      const place = isWithin(resolve(root), wanted) ? join(real, relative(resolve(root), wanted)) : wanted;
      if (!isWithin(real, place)) throw outside(path);
      const folder = place === real ? real : await nearestFolder(dirname(place));
      if (!isWithin(real, folder)) throw outside(path);
      return place;
    },
  };
}

/** Where the folder is in truth, or the closest one above it that exists. */
async function nearestFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    const isAbsent = systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR";
    if (!isAbsent || dirname(folder) === folder) throw error;
    return nearestFolder(dirname(folder));
  }
}

function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(root === sep ? sep : root + sep);
}
