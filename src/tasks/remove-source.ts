import { link, lstat, readdir, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemCode } from "../base/errors.js";
import type { FileIdentity } from "./files.js";
import {
  cannotLink,
  exists,
  identityOf,
  sameContent,
  sourceChanged,
  statsIfAny,
  syncFolder,
  translateSystemError,
} from "./local-files.js";
import { temporaryName } from "./names.js";
import { freePath } from "./target.js";

/**
 * Deletes the file `identity` at `path`, and never another one: it is first taken aside, in one step, then looked at,
 * and put back when somebody has replaced it in between (FERRY_SOURCE_CHANGED). True when it was there.
 */
export async function removeSource(path: string, identity: FileIdentity): Promise<boolean> {
  try {
    const there = await statsIfAny(path);
    if (there === undefined) return (await removeAsides(dirname(path), [{ path, identity }])) > 0;
    if (!there.isFile() || !sameContent(identityOf(there), identity)) throw sourceChanged(path);
    const aside = await freeAside(path);
    await rename(path, aside);
    const taken = await lstat(aside, { bigint: true });
    if (!sameContent(identityOf(taken), identity)) {
      await putBack(aside, path);
      throw sourceChanged(path);
    }
    await unlink(aside);
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    // Taken away by another program just now.
    if (systemCode(error) === "ENOENT") return false;
    throw translateSystemError(error, path);
  }
}

async function freeAside(path: string): Promise<string> {
  for (;;) {
    const aside = join(dirname(path), temporaryName(basename(path)));
    if (!(await exists(aside))) return aside;
  }
}

/** Under its own name, or beside the newer file that has it now; nothing is overwritten. */
async function putBack(aside: string, path: string): Promise<void> {
  try {
    await link(aside, path);
  } catch (error) {
    if (systemCode(error) === "EEXIST") return putBack(aside, await freePath(path));
    if (!cannotLink(error)) throw error;
    await rename(aside, (await exists(path)) ? await freePath(path) : path);
    return;
  }
  await unlink(aside);
}

/** Removes what a crash between taking and deleting left aside of `files`, which all have been in `folder`; gives how many. */
export async function removeAsides(folder: string, files: readonly KnownFile[]): Promise<number> {
  const names = await readdir(folder).catch((error) => {
    if (systemCode(error) === "ENOENT") return [];
    throw translateSystemError(error, folder);
  });
  let removed = 0;
  for (const name of names.filter((one) => one.startsWith(".") && one.endsWith(".part"))) {
    const stats = await statsIfAny(join(folder, name));
    if (!stats?.isFile() || !files.some((file) => isAside(name, identityOf(stats), file))) continue;
    await unlink(join(folder, name));
    removed++;
  }
  return removed;
}

interface KnownFile {
  readonly path: string;
  readonly identity: FileIdentity;
}

function isAside(name: string, identity: FileIdentity, file: KnownFile): boolean {
  const named = name.startsWith(`.${basename(file.path)}.`) || name.length < SHORT_TEMPORARY;
  return named && sameContent(identity, file.identity);
}

/** Temporaries of names too long to be part of theirs: see `temporaryName`. */
const SHORT_TEMPORARY = 16;
