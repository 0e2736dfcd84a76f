import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RunHistory, RunRecord } from "../runs/history.js";

/** Removes the work folders of runs that succeeded in a process that died before it could remove them. */
export async function removeLeftWork(workRoot: string, open: () => RunHistory): Promise<void> {
  const folders = (await readdir(workRoot)).filter((name) => /^\d+$/.test(name));
  if (folders.length === 0) return;
  const history = open();
  try {
    for (const name of folders) {
      const last = await lastOfChain(history, Number(name));
      if (last?.state === "succeeded") await rm(join(workRoot, name), { recursive: true, force: true });
    }
  } finally {
    history.close();
  }
}

/** What was interrupted goes on in the folder of the run that it began with. */
async function lastOfChain(history: RunHistory, first: number): Promise<RunRecord | undefined> {
  let run = await history.run(first);
  while (run && run.continuedBy !== null) run = await history.run(run.continuedBy);
  return run;
}
