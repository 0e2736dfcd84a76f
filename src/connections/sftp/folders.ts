import { constants } from "node:fs";
import { posix } from "node:path";
import type { FileEntryWithStats, Stats } from "ssh2";
import { AgentError } from "../../base/errors.js";
import { checkListingSize } from "../guarded.js";
import type { RemoteEntry } from "../session.js";
import { isNotFound } from "./rename.js";
import type { Requests } from "./requests.js";
import { closing } from "./writer.js";

export async function listFolder(requests: Requests, path: string): Promise<readonly RemoteEntry[]> {
  const handle = await requests.opendir(path);
  return closing(requests, handle, async () => {
    const entries: RemoteEntry[] = [];
    for (let page = await requests.readdir(handle); page; page = await requests.readdir(handle)) {
      for (const entry of page) if (entry.filename !== "." && entry.filename !== "..") entries.push(listed(entry));
      checkListingSize(entries.length, path);
    }
    return entries;
  });
}

/** The entry at `path`; for a link, what it leads to, or the link itself where that is nothing. */
export async function statEntry(requests: Requests, path: string): Promise<RemoteEntry | undefined> {
  try {
    const own = await requests.lstat(path);
    const found = own.isSymbolicLink() ? await requests.stat(path).catch(() => own) : own;
    return entryOf(posix.basename(path), found);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Makes `path` and the folders above it. */
export async function makeFolders(requests: Requests, path: string): Promise<void> {
  if (await isFolder(requests, path)) return;
  const above = posix.dirname(path);
  if (above !== path) await makeFolders(requests, above);
  try {
    await requests.mkdir(path);
  } catch (error) {
    // Another session may have made it in between.
    if (!(await isFolder(requests, path).catch(() => false))) throw error;
  }
}

async function isFolder(requests: Requests, path: string): Promise<boolean> {
  try {
    const found = await requests.stat(path);
    if (found.isDirectory()) return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
  throw new AgentError("FERRY_TARGET_EXISTS", `cannot make the folder ${path}: something else has that name`);
}

function listed({ filename, longname, attrs }: FileEntryWithStats): RemoteEntry {
  if (attrs.mode !== undefined) return entryOf(filename, attrs);
  // Without permissions in the attributes only the line for people tells what it is.
  const letters = { d: "directory", l: "link", "-": "file" } as const;
  return { ...entryOf(filename, attrs), type: letters[longname.charAt(0) as keyof typeof letters] ?? "other" };
}

/** A server may leave out any attribute, whatever ssh2's types say. */
function entryOf(name: string, stats: Partial<Stats>): RemoteEntry {
  const seconds = stats.mtime;
  return {
    name,
    type: typeOf(stats.mode),
    size: stats.size,
    modifiedAt: seconds === undefined ? undefined : new Date(seconds * 1000),
  };
}

function typeOf(mode = 0): RemoteEntry["type"] {
  switch (mode & constants.S_IFMT) {
    case constants.S_IFREG:
      return "file";
    case constants.S_IFDIR:
      return "directory";
    case constants.S_IFLNK:
      return "link";
    default:
      return "other";
  }
}
