import { constants, type Dirent, existsSync } from "node:fs";
import { type FileHandle, lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../base/errors.js";
import type { FileIdentity } from "./files.js";
import { identityOf, translateSystemError } from "./local-files.js";

/** Deeper trees are a loop of mounts, or a mistake. */
const DEEPEST = 64;

export interface Walker {
  /** Whether to look into a folder at this depth below the base. */
  enters(name: string, depth: number): boolean;
  /** Whether a file is wanted, by its path below the base. */
  wants(path: string): boolean;
  found(file: WalkedFile): void;
  /** Something is wanted by its name, and cannot be taken. */
  refused(path: string, why: "link" | "special" | "name" | "deep"): void;
  /** The gate of names. */
  accepts(name: string): boolean;
}

export interface WalkedFile {
  readonly path: string;
  /** Below the base, with `/`. */
  readonly folder: string;
  readonly name: string;
  readonly identity: FileIdentity;
}

/**
 * Reads the tree below `base` without following a link. Where the system offers it, every step starts at the open folder
 * and not at its path, so that a folder swapped for a link meanwhile leads nowhere else. An absent base is empty.
 */
export async function walk(base: string, walker: Walker, signal: AbortSignal): Promise<void> {
  await visit({ path: base, at: base, folder: "", depth: 0 }, walker, signal);
}

interface Place {
  readonly path: string;
  /** As it is reached: through the open folder above it. */
  readonly at: string;
  readonly folder: string;
  readonly depth: number;
}

async function visit(place: Place, walker: Walker, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const handle = await openFolder(place);
  if (handle === undefined) return;
  try {
    const at = throughDescriptors() ? `/proc/self/fd/${handle.fd}` : place.at;
    const entries = await readdir(at, { withFileTypes: true, encoding: "buffer" }).catch((error) => {
      throw translateSystemError(error, place.path);
    });
    // One folder after the other: each holds a descriptor while those below it are read.
    for (const entry of entries) await take(entry, { ...place, at }, walker, signal);
  } finally {
    await handle.close();
  }
}

function throughDescriptors(): boolean {
  return process.platform === "linux" && existsSync("/proc/self/fd");
}

async function openFolder(place: Place): Promise<FileHandle | undefined> {
  const nofollow = place.depth === 0 ? 0 : constants.O_NOFOLLOW;
  return open(place.at, constants.O_RDONLY | constants.O_DIRECTORY | nofollow).catch((error) => {
    // Below the base: gone, or swapped for a link, since it was listed.
    if (systemCode(error) === "ENOENT" || (place.depth > 0 && ["ENOTDIR", "ELOOP"].includes(systemCode(error) ?? "")))
      return undefined;
    throw translateSystemError(error, place.path);
  });
}

async function take(entry: Dirent<Buffer>, place: Place, walker: Walker, signal: AbortSignal): Promise<void> {
  const name = entry.name.toString();
  const below = place.folder === "" ? name : `${place.folder}/${name}`;
  const isFolder = entry.isDirectory();
  if (isFolder ? !walker.enters(name, place.depth) : !walker.wants(below)) return;
  const path = join(place.path, name);
  // Bytes that are not UTF-8 would not find their way back to the file.
  if (!Buffer.from(name).equals(entry.name) || !walker.accepts(name)) return walker.refused(path, "name");
  if (isFolder) {
    if (place.depth >= DEEPEST) return walker.refused(path, "deep");
    return visit({ path, at: `${place.at}/${name}`, folder: below, depth: place.depth + 1 }, walker, signal);
  }
  const stats = await lstat(`${place.at}/${name}`, { bigint: true }).catch(absent(path));
  if (stats === undefined) return;
  if (!stats.isFile()) return walker.refused(path, stats.isSymbolicLink() ? "link" : "special");
  walker.found({ path, folder: place.folder, name, identity: identityOf(stats) });
}

function absent(path: string): (error: unknown) => undefined {
  return (error) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw translateSystemError(error, path);
  };
}
