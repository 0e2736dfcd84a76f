import { createHash } from "node:crypto";
import { iso } from "../base/clock.js";
import type { Firing, TriggerContext, WatchedFile } from "./trigger.js";

/** Books one run for these files, which count as taken from then on. */
export async function bookFiles(files: readonly WatchedFile[], context: TriggerContext): Promise<void> {
  const dueAt = context.clock.now();
  const firing: Firing = { key: keyOf(files), dueAt, files };
  const runs = await context.book([firing], {});
  if (runs.length > 0) return;
  // The same versions made a run before, and yet are not taken: they were gone and came back just as they were.
  await context.book([{ ...firing, key: `${firing.key}@${iso(dueAt)}` }], {});
}

function keyOf(files: readonly WatchedFile[]): string {
  const hash = createHash("sha256");
  for (const { path, version } of files) {
    hash.update(JSON.stringify([path, version.size, version.mtimeNs, version.ctimeNs, version.ino]));
  }
  return hash.digest("hex");
}
