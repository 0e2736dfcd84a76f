import { openForWriting } from "./open-files.js";
import type { FileVersion, TriggerContext, WatchedFile } from "./trigger.js";
import { bookFiles } from "./watch-booking.js";
import { inOrder } from "./watch-candidates.js";
import { countsAgain, standsThere } from "./watch-checks.js";
import type { Watching } from "./watch-look.js";
import { sameVersion } from "./watch-scan.js";

/** Closing a file makes no event that can be relied on, so what was open is looked at again after this. */
const STILL_OPEN_MS = 1_000;

/** Books the candidates that are ready, when their batch is due. Resolves to when the next look is worth it. */
export async function takeReady(watching: Watching, taken: Map<string, FileVersion>, began: number): Promise<number> {
  const { options, candidates } = watching;
  const sweep = options.polling === false ? options.sweep : options.polling;
  const ripe: WatchedFile[] = [];
  let againMs = sweep;
  for (const { file, since } of candidates.values()) {
    const left = since + options.stable - began;
    if (left > 0) againMs = Math.min(againMs, left);
    else if (await watching.doneFiles.standsBeside(file)) ripe.push(file);
  }
  const ready = await closed(ripe);
  if (ready.length < ripe.length) againMs = Math.min(againMs, STILL_OPEN_MS);
  if (ready.length === 0) {
    watching.batchSince = undefined;
    return againMs;
  }
  watching.batchSince ??= began;
  const left = watching.batchSince + options.batch.window - began;
  const due = inOrder(ready).slice(0, left > 0 ? wholeBatches(ready.length, options.batch.files) : undefined);
  if (due.length > 0) {
    const unsure = await take(watching, taken, due);
    if (unsure) againMs = Math.min(againMs, STILL_OPEN_MS);
    watching.batchSince = due.length < ready.length ? began : undefined;
  }
  return watching.batchSince === undefined
    ? againMs
    : Math.min(againMs, Math.max(0, watching.batchSince + options.batch.window - began));
}

function wholeBatches(files: number, most: number): number {
  return files - (files % most);
}

async function closed(files: readonly WatchedFile[]): Promise<WatchedFile[]> {
  const open = await openForWriting(files);
  return files.filter((file) => !open.has(file.path));
}

/** True when a file changed meanwhile, and is left for the next look. */
async function take(
  watching: Watching,
  taken: Map<string, FileVersion>,
  files: readonly WatchedFile[],
): Promise<boolean> {
  const { context, options } = watching;
  const { counting, known, touched, unsure } = await sort(context, files);
  const note = (some: readonly WatchedFile[]): void => {
    for (const file of some) {
      taken.set(file.path, file.version);
      watching.candidates.delete(file.path);
    }
  };
  if (touched.length > 0) await context.book([], { taken: touched });
  note([...known, ...touched]);
  for (let start = 0; start < counting.length; start += options.batch.files) {
    context.signal.throwIfAborted();
    const batch = counting.slice(start, start + options.batch.files);
    await bookFiles(batch, context);
    note(batch);
  }
  return unsure;
}

/** Parts what is new from what was taken before, what was only touched since, and what Ferry itself put there. */
async function sort(context: TriggerContext, files: readonly WatchedFile[]) {
  const { marks, job, trigger, signal } = context;
  const counting: WatchedFile[] = [];
  const known: WatchedFile[] = [];
  const touched: WatchedFile[] = [];
  let unsure = false;
  // Read anew: a manual run may have taken something, and what Ferry moved away or deleted since counts as taken no more.
  const current = await marks.taken(job, trigger);
  for (const file of files) {
    signal.throwIfAborted();
    const before = current?.get(file.path);
    if (before && sameVersion(before, file.version)) known.push(file);
    else if (await marks.putAway(job, file)) touched.push(file);
    else {
      const again = before === undefined || (await countsAgain(file, before, context));
      // Ferry may have put it away between the listing and the marks.
      if (again === undefined || !(await standsThere(file))) unsure = true;
      else (again ? counting : touched).push(file);
    }
  }
  return { counting, known, touched, unsure };
}
