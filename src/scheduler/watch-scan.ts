import type { BigIntStats, Dirent } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { systemCode } from "../base/errors.js";
import { isSafeName, visible } from "../base/names.js";
import type { FileVersion, WatchedFile } from "./trigger.js";
import type { NameFilter } from "./watch-names.js";

/** What a full listing of a watched folder found. */
export interface Listing {
  readonly folder: FolderIdentity;
  /** Every folder that was listed, by absolute path, with what tells it from another one in its place. */
  readonly folders: ReadonlyMap<string, string>;
  /** The regular files whose names count, by absolute path. */
  readonly files: ReadonlyMap<string, WatchedFile>;
  /** Folders below that could not be read, with a final separator: nothing is known of what lies in them. */
  readonly unread: readonly string[];
  /** Names that are not accepted, and what could not be read, fit for a log. */
  readonly problems: readonly string[];
}

export interface FolderIdentity {
  readonly dev: string;
  readonly ino: string;
  readonly bornNs: string;
  /** False where it may be made up: without a time of birth Node gives that of the last change, or zero. */
  readonly bornForSure: boolean;
  /** Whether a file system is mounted right there. */
  readonly mounted: boolean;
}

/** Enough to keep the file system busy, few enough not to run out of memory or descriptors. */
const AT_ONCE = 64;

/**
 * Lists a folder, with the real folders below when `recursive`. Links are not followed; FIFOs, sockets and devices are
 * passed over. Rejects with the system's error when the folder itself cannot be listed.
 */
export async function listFolder(
  root: string,
  options: { readonly recursive: boolean },
  filter: NameFilter,
  signal: AbortSignal,
): Promise<Listing> {
  const files = new Map<string, WatchedFile>();
  const unread: string[] = [];
  const problems: string[] = [];
  const [own, parent] = await Promise.all([stat(root, { bigint: true }), stat(dirname(root), { bigint: true })]);
  const folder: FolderIdentity = { ...identityOf(own), mounted: own.dev !== parent.dev };
  const folders = new Map([[root, keyOf(own)]]);
  const queue = [""];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const below = next;
    const path = join(root, below);
    const entries = await entriesOf(path).catch((error: unknown) => {
      if (below === "") throw error;
      if (systemCode(error) === "ENOENT") return [];
      unread.push(path + sep);
      problems.push(`${visible(below)} cannot be listed (${systemCode(error) ?? String(error)})`);
      return [];
    });
    for (let start = 0; start < entries.length; start += AT_ONCE) {
      signal.throwIfAborted();
      await Promise.all(entries.slice(start, start + AT_ONCE).map((entry) => examine(entry)));
    }

    /** Names as bytes, because they may be of any encoding. A folder below may have become a link since its parent was listed. */
    async function entriesOf(place: string): Promise<Dirent<Buffer>[]> {
      if (place !== root) {
        const found = await lstat(place, { bigint: true });
        if (!found.isDirectory()) return [];
        folders.set(place, keyOf(found));
      }
      return readdir(place, { withFileTypes: true, encoding: "buffer" });
    }

    async function examine(entry: Dirent<Buffer>): Promise<void> {
      const name = entry.name.toString();
      const relative = below ? `${below}/${name}` : name;
      if (!isAccepted(entry.name, name)) {
        if (couldCount(entry, name, relative)) problems.push(`the name "${written(entry.name, name)}" is not accepted`);
        return;
      }
      if (entry.isDirectory() && options.recursive && !name.startsWith(".")) queue.push(relative);
      if (!entry.isFile() || !filter(name, relative)) return;
      const found = await lstat(join(path, name), { bigint: true }).catch((error: unknown) => {
        if (systemCode(error) === "ENOENT") return undefined;
        problems.push(`${visible(relative)} cannot be examined (${systemCode(error) ?? String(error)})`);
        return undefined;
      });
      // By now it may have become a link.
      if (!found?.isFile()) return;
      const file = join(path, name);
      files.set(file, { path: file, folder: below, version: versionOf(found) });
    }

    function couldCount(entry: Dirent<Buffer>, name: string, relative: string): boolean {
      // A pattern would stumble over a line end.
      const tamed = (text: string): string => text.replace(/[^\x20-\x7e]/g, "_");
      return (entry.isFile() && filter(tamed(name), tamed(relative))) || (entry.isDirectory() && options.recursive);
    }
  }
  return { folder, folders, files, unread, problems };
}

export function versionOf(found: BigIntStats): FileVersion {
  return {
    size: Number(found.size),
    mtimeNs: String(found.mtimeNs),
    ctimeNs: String(found.ctimeNs),
    ino: String(found.ino),
    dev: String(found.dev),
  };
}

/** Whether nothing has touched the file in between. The device's number does not count: a share mounted again gets another. */
export function sameVersion(one: FileVersion, other: FileVersion): boolean {
  return (
    one.size === other.size && one.mtimeNs === other.mtimeNs && one.ctimeNs === other.ctimeNs && one.ino === other.ino
  );
}

function identityOf({ dev, ino, birthtimeNs, ctimeNs }: BigIntStats): Omit<FolderIdentity, "mounted"> {
  const bornForSure = birthtimeNs !== ctimeNs && birthtimeNs !== 0n;
  return { dev: String(dev), ino: String(ino), bornNs: String(birthtimeNs), bornForSure };
}

function keyOf(found: BigIntStats): string {
  const { dev, ino, bornNs, bornForSure } = identityOf(found);
  return bornForSure ? `${dev}:${ino}:${bornNs}` : `${dev}:${ino}`;
}

function isAccepted(bytes: Buffer, name: string): boolean {
  return isSafeName(name) && bytes.equals(Buffer.from(name));
}

function written(bytes: Buffer, name: string): string {
  if (bytes.equals(Buffer.from(name))) return visible(name);
  return bytes
    .toString("latin1")
    .replace(/[^\x20-\x7e]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
