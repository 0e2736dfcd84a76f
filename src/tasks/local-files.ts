import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, link, lstat, mkdir, open, rename, rm, stat, unlink } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { AgentError, asAgentError, type ErrorCode, systemCode } from "../base/errors.js";
import { visible } from "../base/names.js";
import type { FileIdentity } from "./files.js";

/** What stands at `path`. Links are not followed: they, folders and devices are FERRY_NOT_A_FILE, absence is FERRY_FILE_NOT_FOUND. */
export async function identify(path: string): Promise<FileIdentity> {
  const stats = await lstat(path, { bigint: true }).catch(fail(path));
  if (!stats.isFile()) throw notAFile(path);
  return identityOf(stats);
}

export function identityOf(stats: BigIntStats): FileIdentity {
  return {
    size: Number(stats.size),
    mtimeNs: String(stats.mtimeNs),
    ctimeNs: String(stats.ctimeNs),
    ino: String(stats.ino),
    dev: String(stats.dev),
  };
}

/** The same file, not written to, renamed, or linked in between. */
export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return sameContent(a, b) && a.ctimeNs === b.ctimeNs;
}

/** The same file with the same content; renaming and linking it, which change its ctime, do not count. */
export function sameContent(a: FileIdentity, b: FileIdentity): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino && a.dev === b.dev;
}

/**
 * Opens a regular file for reading, never through a link, and never waiting for a FIFO's other end.
 * Another file than `expected` is FERRY_SOURCE_CHANGED. The caller closes the handle.
 */
export async function openSource(
  path: string,
  expected?: FileIdentity,
): Promise<{ handle: FileHandle; identity: FileIdentity }> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(fail(path));
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw notAFile(path);
    const identity = identityOf(stats);
    if (expected && !sameFile(identity, expected)) throw sourceChanged(path);
    return { handle, identity };
  } catch (error) {
    await handle.close();
    throw translateSystemError(error, path);
  }
}

export function sourceChanged(path: string): AgentError {
  return new AgentError("FERRY_SOURCE_CHANGED", `${visible(path)} is no longer the file that was found`);
}

/**
 * Gives the complete file `temporary` its name `final`, in the same folder, and makes both durable.
 * Fails with FERRY_TARGET_EXISTS when `final` exists, unless `replace`. A reader sees the old content, or all of the new.
 * File systems that cannot link (FAT, some shares) are asked first whether `final` is free, which another program can win.
 */
export async function publishLocal(
  temporary: string,
  final: string,
  options: { readonly replace: boolean },
): Promise<FileIdentity> {
  // Held open, because a published file may be taken away at once: who it was is then still known.
  const handle = await open(temporary, constants.O_RDONLY | constants.O_NOFOLLOW).catch(fail(temporary));
  try {
    await handle.sync();
    if (options.replace) await renameOver(temporary, final);
    else await renameToFree(temporary, final);
    await syncFolder(dirname(final));
    return identityOf(await handle.stat({ bigint: true }));
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw targetExists(final, error);
    throw translateSystemError(error, final);
  } finally {
    await handle.close();
  }
}

export function targetExists(path: string, cause?: unknown): AgentError {
  return new AgentError("FERRY_TARGET_EXISTS", `${visible(path)} exists already`, { cause });
}

async function renameOver(temporary: string, final: string): Promise<void> {
  await rename(temporary, final);
  // POSIX: when both are links to one file, rename does nothing and says that it went well.
  await rm(temporary, { force: true });
}

async function renameToFree(temporary: string, final: string): Promise<void> {
  try {
    await link(temporary, final);
  } catch (error) {
    if (!cannotLink(error)) throw error;
    if (await exists(final)) throw targetExists(final);
    await rename(temporary, final);
    return;
  }
  await unlink(temporary);
}

/** EPERM is what FAT says, and what Linux says of a file that is not ours to link (`fs.protected_hardlinks`). */
export function cannotLink(error: unknown): boolean {
  return ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"].includes(systemCode(error) ?? "");
}

/** Whether anything, be it a dangling link, has the name. */
export async function exists(path: string): Promise<boolean> {
  return (await statsIfAny(path)) !== undefined;
}

export async function statsIfAny(path: string): Promise<BigIntStats | undefined> {
  return lstat(path, { bigint: true }).catch((error) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw translateSystemError(error, path);
  });
}

/** Whether two paths are one entry of one folder, by whatever way they lead there: to take one away is to take away both. */
export async function samePlace(a: string, b: string): Promise<boolean> {
  const [one, other] = [await statsIfAny(a), await statsIfAny(b)];
  if (one === undefined || other === undefined || one.ino !== other.ino || one.dev !== other.dev) return false;
  if (one.nlink === 1n) return true;
  const [here, there] = [await stat(dirname(a), { bigint: true }), await stat(dirname(b), { bigint: true })];
  return basename(a) === basename(b) && here.ino === there.ino && here.dev === there.dev;
}

/** Makes the folder and those above it, durably. That it is there is no error. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true }).catch(fail(path));
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Makes renames within the folder durable, where the system can: some shares refuse it, and Windows has no such thing. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY).catch((error) => {
    // A folder that may be written but not read cannot be opened, and so not be synced.
    if (systemCode(error) === "EACCES") return undefined;
    throw translateSystemError(error, path);
  });
  try {
    await handle?.sync();
  } catch (error) {
    if (!["EINVAL", "ENOTSUP", "EOPNOTSUPP"].includes(systemCode(error) ?? "")) throw translateSystemError(error, path);
  } finally {
    await handle?.close();
  }
}

/** The system's refusal of `path` in our words. What is not the system's stays what it is. */
export function translateSystemError(error: unknown, path: string): AgentError {
  const code = systemCode(error);
  if (error instanceof AgentError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return asAgentError(error);
  const row = TRANSLATIONS[code] ?? { code: "FERRY_FILE_REFUSED", words: "the system refused it" };
  return new AgentError(row.code, `${visible(path)}: ${row.words}`, {
    cause: error,
    ...(row.hint === undefined ? {} : { hint: row.hint }),
  });
}

interface Translation {
  readonly code: ErrorCode;
  readonly words: string;
  readonly hint?: string;
}

const notThere: Translation = { code: "FERRY_FILE_NOT_FOUND", words: "no such file or folder" };
const denied: Translation = { code: "FERRY_FILE_REFUSED", words: "permission denied" };
const full: Translation = { code: "FERRY_DISK_FULL", words: "no space left" };
const tooMany: Translation = {
  code: "FERRY_FILE_BUSY",
  words: "too many open files",
  hint: "raise the limit of open files (`ulimit -n`, `LimitNOFILE=`)",
};
const passing: Translation = {
  code: "FERRY_FILE_BUSY",
  words: "the system could not read or write it",
};

const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  ENOENT: notThere,
  ENOTDIR: notThere,
  EACCES: denied,
  EPERM: denied,
  EROFS: { code: "FERRY_FILE_REFUSED", words: "the file system is read-only" },
  ENOSPC: full,
  EDQUOT: { ...full, words: "the disk quota is used up" },
  EMFILE: tooMany,
  ENFILE: tooMany,
  EEXIST: { code: "FERRY_TARGET_EXISTS", words: "exists already" },
  EISDIR: { code: "FERRY_NOT_A_FILE", words: "is a folder" },
  ELOOP: { code: "FERRY_NOT_A_FILE", words: "is a link" },
  ENXIO: { code: "FERRY_NOT_A_FILE", words: "is a device, a socket or a FIFO" },
  ENAMETOOLONG: { code: "FERRY_NAME_REFUSED", words: "the name is too long", hint: "give a shorter `name`" },
  EIO: passing,
  ESTALE: passing,
  EBUSY: passing,
  ETXTBSY: passing,
};

function fail(path: string): (error: unknown) => never {
  return (error) => {
    throw translateSystemError(error, path);
  };
}

function notAFile(path: string): AgentError {
  return new AgentError("FERRY_NOT_A_FILE", `${visible(path)} is not a regular file`);
}
