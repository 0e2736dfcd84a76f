import type { FileVersion, WatchedFile } from "./trigger.js";
import { type FolderIdentity, type Listing, sameVersion } from "./watch-scan.js";

/** A file that was seen and has not been taken. */
export interface Candidate {
  readonly file: WatchedFile;
  /** When this version was first seen, on the monotonic clock. The file's own times may lie. */
  readonly since: number;
}

/** The files of a listing that are not taken in the version seen. What has not changed keeps the time of its first sight. */
export function observe(
  before: ReadonlyMap<string, Candidate>,
  listing: Listing,
  taken: ReadonlyMap<string, FileVersion>,
  now: number,
  empty: "accept" | "ignore",
): Map<string, Candidate> {
  const after = new Map<string, Candidate>();
  for (const [path, file] of listing.files) {
    if (file.version.size === 0 && empty === "ignore") continue;
    const consumed = taken.get(path);
    if (consumed && sameVersion(consumed, file.version)) continue;
    const known = before.get(path);
    after.set(path, known && sameVersion(known.file.version, file.version) ? known : { file, since: now });
  }
  return after;
}

/** Oldest first, then by path: the order in which they are taken. */
export function inOrder(files: readonly WatchedFile[]): WatchedFile[] {
  const age = (file: WatchedFile): bigint => BigInt(file.version.mtimeNs);
  return files.toSorted((a, b) => (age(a) < age(b) ? -1 : age(a) > age(b) ? 1 : a.path < b.path ? -1 : 1));
}

/** Whether it is another folder under the same path: what was in the former one is gone. */
export function isAnother(now: FolderIdentity, before: FolderIdentity | undefined): boolean {
  if (before === undefined || before.dev !== now.dev) return false;
  if (before.ino !== now.ino) return true;
  // File systems give the number of a folder that is gone to the next one.
  return (before.bornForSure || now.bornForSure) && before.bornNs !== now.bornNs;
}

/** Whether a share was mounted there, and the empty folder beneath it is all that is left. */
export function isUnmounted(now: FolderIdentity, before: FolderIdentity | undefined): boolean {
  return before?.mounted === true && !now.mounted;
}

/**
 * Taken paths that the listing does not have: they may be gone. Not what lies in folders that could not be read, and
 * not what was on a file system that is no longer mounted there.
 */
export function missingFrom(listing: Listing, taken: ReadonlyMap<string, FileVersion>): string[] {
  const missing: string[] = [];
  for (const [path, version] of taken) {
    if (listing.files.has(path) || listing.unread.some((folder) => path.startsWith(folder))) continue;
    if (version.dev === listing.folder.dev || listing.folder.mounted) missing.push(path);
  }
  return missing;
}

/** Takes over the number that the file system has now, where the file is the same: after a reboot it may be another. */
export function adoptDevices(listing: Listing, taken: Map<string, FileVersion>): void {
  for (const [path, { version }] of listing.files) {
    const known = taken.get(path);
    if (known && known.dev !== version.dev && sameVersion(known, version)) taken.set(path, version);
  }
}
