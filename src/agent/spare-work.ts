import { readdir, rm } from "node:fs/promises";
import { join, sep } from "node:path";
import { asAgentError } from "../base/errors.js";
import type { RunHistory } from "../runs/history.js";
import type { FileIdentity, TaskFile } from "../tasks/files.js";
import { identityOf, sameContent, statsIfAny } from "../tasks/local-files.js";
import { madeIn } from "../tasks/made.js";
import type { Log } from "./log.js";

/**
 * Removes the work folders of runs that did not succeed, once nobody can want them: no run goes on in them, no delivery of
 * theirs is open or held, and of what lies in them nothing is the only copy. Each file there was made by a task, of files
 * that still stand, that Ferry moved away when they were delivered, or that a later run brought through the whole job.
 */
export async function removeSpareWork(workRoot: string, open: () => RunHistory, log: Log): Promise<void> {
  const runs = (await readdir(workRoot)).filter((name) => /^\d+$/.test(name)).map(Number);
  if (runs.length === 0) return;
  const history = open();
  try {
    const wanted = await history.wantedWork();
    for (const run of runs.filter((one) => !wanted.has(one))) {
      await removeIfSpare(run, workRoot, history, log).catch((error: unknown) =>
        log("warn", `what run ${run} made for itself could not be looked through: ${asAgentError(error).message}`),
      );
    }
  } finally {
    history.close();
  }
}

async function removeIfSpare(run: number, workRoot: string, history: RunHistory, log: Log): Promise<void> {
  const folder = join(workRoot, String(run));
  const job = (await history.run(run))?.job;
  if (job === undefined || !(await isSpare(folder, workRoot, history, job))) return;
  await rm(folder, { recursive: true, force: true });
  log("info", `removed ${folder}: what run ${run} made for itself is of no use any more`);
}

async function isSpare(folder: string, workRoot: string, history: RunHistory, job: string): Promise<boolean> {
  const made = await madeIn(folder);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory() || made.kept.includes(path)) continue;
    const file = made.files.get(path);
    if (file === undefined || !(await stands(file.path, file.identity))) return false;
    for (const origin of file.origins) if (!(await canBeHad(origin, workRoot, history, job))) return false;
  }
  return true;
}

/** What the run fetched or moved into its own folder lies nowhere else. */
async function canBeHad(
  { path, identity }: TaskFile["origins"][number],
  workRoot: string,
  history: RunHistory,
  job: string,
): Promise<boolean> {
  if (path.startsWith(workRoot + sep)) return false;
  if (await stands(path, identity)) return true;
  for (const { whole, movedTo } of await history.arrivals(job, path, identity)) {
    if (whole || (movedTo !== null && (await isMoved(movedTo, identity)))) return true;
  }
  return false;
}

async function stands(path: string, identity: FileIdentity): Promise<boolean> {
  const stats = await statsIfAny(path);
  return stats?.isFile() === true && sameContent(identityOf(stats), identity);
}

/** On another file system it is a copy, which keeps its time to the microsecond only. */
async function isMoved(path: string, { size, mtimeNs }: FileIdentity): Promise<boolean> {
  const stats = await statsIfAny(path);
  if (!stats?.isFile() || Number(stats.size) !== size) return false;
  const apart = stats.mtimeNs - BigInt(mtimeNs);
  return apart > -2000n && apart < 2000n;
}
