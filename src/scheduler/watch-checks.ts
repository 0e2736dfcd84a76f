import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { systemCode } from "../base/errors.js";
import type { FilesContext, FileVersion, WatchedFile } from "./trigger.js";
import { sameVersion, versionOf } from "./watch-scan.js";

/** Where the done file of a file stands. */
export async function doneFileOf(file: WatchedFile, template: string, render: FilesContext["render"]): Promise<string> {
  return resolve(dirname(file.path), await render(template, { path: file.path }));
}

export async function isRegularFile(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}

/** Whether exactly this version still stands at its path. */
export async function standsThere({ path, version }: WatchedFile): Promise<boolean> {
  const found = await lstat(path, { bigint: true }).catch(() => undefined);
  return found?.isFile() === true && sameVersion(versionOf(found), version);
}

/**
 * Whether a path that was taken before counts again; undefined when it changes at this moment. It does not count when only
 * its times were touched, which shows where the taken version was delivered and so its checksum is known.
 */
export async function countsAgain(
  file: WatchedFile,
  taken: FileVersion,
  { job, trigger, marks }: Pick<FilesContext, "job" | "trigger" | "marks">,
): Promise<boolean | undefined> {
  const { size, mtimeNs, ino } = file.version;
  if (size !== taken.size) return true;
  // Ferry's own hand: a source that is put away is linked first, which changes its ctime, and may stay so after a crash.
  const isLinked = mtimeNs === taken.mtimeNs && ino === taken.ino;
  if (isLinked && (await marks.underWay(job, trigger, file.path))) return undefined;
  const delivered = await marks.deliveredSha256(job, file.path, taken);
  if (delivered === undefined) return true;
  const found = await sha256Of(file);
  return found === "changed" ? undefined : found !== delivered;
}

/** The checksum of exactly this version. A file that cannot be read has none, and its run will say so. */
async function sha256Of({ path, version }: WatchedFile): Promise<string | "changed" | "unreadable"> {
  // Not through a link that has just been put there, and without waiting for the writer of a FIFO.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path, flags).catch((error: unknown) => systemCode(error) ?? "");
  if (typeof handle === "string") return handle === "ENOENT" || handle === "ELOOP" ? "changed" : "unreadable";
  try {
    const unchanged = async (): Promise<boolean> =>
      sameVersion(versionOf(await handle.stat({ bigint: true })), version);
    if (!(await unchanged())) return "changed";
    const hash = createHash("sha256");
    for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk);
    return (await unchanged()) ? hash.digest("hex") : "changed";
  } finally {
    await handle.close();
  }
}
