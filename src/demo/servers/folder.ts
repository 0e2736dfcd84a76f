import { constants, type Stats } from "node:fs";
import { type FileHandle, link, lstat, open, readdir, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join, posix, sep } from "node:path";

/** A real folder, seen by clients as `/`. No path leads out of it, neither by `..` nor by a symbolic link. */
export interface Folder {
  /** The absolute virtual path of what a client wrote. Refuses a path that climbs above `/`. */
  absolute(written: string, directory?: string): string;
  /** The real place of an absolute virtual path. A link is followed when it stays inside, else refused. */
  real(path: string): Promise<string>;
  /** As `real`, but of a link itself and not of what it points to: for removing and renaming. */
  place(path: string): Promise<string>;
  entries(path: string): Promise<readonly Entry[]>;
}

export interface Entry {
  readonly name: string;
  readonly stats: Stats;
}

/**
 * Opens the folder. The check and the use of a path are two steps, so a program on this machine that swaps
 * directories for links in between is not withstood; clients cannot make links.
 */
export async function confine(root: string): Promise<Folder> {
  const top = await realpath(root);
  const inside = (path: string): string => {
    if (path !== top && !path.startsWith(top.endsWith(sep) ? top : top + sep)) throw fault("EACCES");
    return path;
  };
  const place = async (path: string): Promise<string> => {
    if (path === "/") return top;
    return join(inside(await realpath(join(top, dirname(path)))), basename(path));
  };
  const real = async (path: string): Promise<string> => {
    const found = await place(path);
    const isLink = await lstat(found).then((stats) => stats.isSymbolicLink(), absent);
    return isLink === true ? inside(await realpath(found)) : found;
  };
  return {
    absolute,
    place,
    real,
    async entries(path) {
      const names = (await readdir(await real(path))).filter((name) => !unspeakable.test(name)).sort();
      const found = names.map(async (name) => {
        // What leads nowhere, or out of the folder, or went away just now, is not listed.
        const stats = await real(posix.join(path, name))
          .then((found) => stat(found))
          .catch(() => undefined);
        return stats === undefined ? [] : [{ name, stats }];
      });
      return (await Promise.all(found)).flat();
    },
  };
}

/** Opens a regular file, and nothing else: a FIFO would block for ever. */
export async function openFile(path: string, flags: number, mode = 0o644): Promise<FileHandle> {
  const before = await lstat(path).catch(absent);
  if (before !== undefined && !before.isFile()) throw fault(before.isDirectory() ? "EISDIR" : "EACCES");
  return open(path, flags | constants.O_NOFOLLOW, mode);
}

/** Moves a file or directory; fails when the target exists. */
export async function moveToFree(from: string, to: string): Promise<void> {
  if ((await lstat(from)).isFile()) {
    // link(2) fails when the target exists, in one step with making it; rename(2) would replace it.
    const linked = await link(from, to).then(() => true, withoutLinks);
    if (linked) return unlink(from);
  }
  if ((await lstat(to).catch(absent)) !== undefined) throw fault("EEXIST");
  return rename(from, to);
}

export type Fault = "missing" | "refused" | "exists" | "other";

/** What a failed operation tells a client: never a real path. */
export function explain(error: unknown): { readonly fault: Fault; readonly text: string } {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons[code] ?? { fault: "other", text: `failed ${code}`.trimEnd() };
}

const reasons: Readonly<Record<string, { fault: Fault; text: string }>> = {
  ENOENT: { fault: "missing", text: "no such file or directory" },
  ENOTDIR: { fault: "missing", text: "not a directory" },
  EACCES: { fault: "refused", text: "permission denied" },
  EPERM: { fault: "refused", text: "operation not permitted" },
  ELOOP: { fault: "refused", text: "permission denied" },
  EEXIST: { fault: "exists", text: "already exists" },
  EISDIR: { fault: "other", text: "is a directory" },
  ENOTEMPTY: { fault: "other", text: "directory not empty" },
  ENOSPC: { fault: "other", text: "no space left" },
};

export function fault(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

/** Names that cannot travel in a line, and on Windows those that name a drive or hide a separator. */
const unspeakable = sep === "\\" ? /[\u0000-\u001f\u007f\\:]/ : /[\u0000-\u001f\u007f]/;

function absolute(written: string, directory = "/"): string {
  if (unspeakable.test(written)) throw fault("EACCES");
  const parts = written.startsWith("/") ? [] : directory.split("/").filter(Boolean);
  for (const part of written.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw fault("EACCES");
  }
  return `/${parts.join("/")}`;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

function withoutLinks(error: NodeJS.ErrnoException): false {
  if (error.code === "EPERM" || error.code === "ENOTSUP" || error.code === "ENOSYS") return false;
  throw error;
}
