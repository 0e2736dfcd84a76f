import { lstat } from "node:fs/promises";
import { systemCode } from "../base/errors.js";
import type { FileVersion, TriggerContext, WatcherStatus } from "./trigger.js";
import { adoptDevices, type Candidate, isAnother, isUnmounted, missingFrom, observe } from "./watch-candidates.js";
import { createDoneFiles, type DoneFiles } from "./watch-done-files.js";
import { type NameFilter, nameFilter } from "./watch-names.js";
import { type FolderIdentity, type Listing, listFolder, sameVersion } from "./watch-scan.js";
import type { WatchOptions } from "./watch-schema.js";
import { takeReady } from "./watch-take.js";

/** How one look at a folder ended. */
export interface Look {
  readonly status: WatcherStatus;
  /** The folders that were listed, with what tells them from others that come in their place. */
  readonly folders: ReadonlyMap<string, string>;
  /** When to look again without being called. */
  readonly againMs: number;
}

/** What is remembered from look to look. */
export interface Watching {
  readonly root: string;
  readonly options: WatchOptions;
  readonly context: TriggerContext;
  readonly filter: NameFilter;
  readonly doneFiles: DoneFiles;
  /** From the marks, and what was booked since; undefined before the first listing. */
  taken: Map<string, FileVersion> | undefined;
  candidates: Map<string, Candidate>;
  folder: FolderIdentity | undefined;
  /** When the first file of the coming batch was ready. */
  batchSince: number | undefined;
  lastSweep: Date | undefined;
  /** The problems that are in the log already. */
  told: ReadonlySet<string>;
}

/** A folder that is away is looked for this often. */
const AWAY_MS = 5_000;

/**
 * A function that looks at a folder once: lists it, and books what is ready. What was taken is known from the marks and
 * the bookings since, so whoever looks anew after a failure neither loses nor repeats a file.
 */
export function createLook(root: string, options: WatchOptions, context: TriggerContext): () => Promise<Look> {
  const watching: Watching = {
    root,
    options,
    context,
    filter: nameFilter(options),
    doneFiles: createDoneFiles(options.doneFile, context.render),
    taken: undefined,
    candidates: new Map(),
    folder: undefined,
    batchSince: undefined,
    lastSweep: undefined,
    told: new Set(),
  };
  return () => look(watching);
}

async function look(watching: Watching): Promise<Look> {
  const { clock } = watching.context;
  const began = clock.monotonic();
  const listing = await list(watching);
  if ("away" in listing) return away(watching, listing);
  const listed = clock.monotonic();
  if (watching.taken === undefined) watching.taken = await takenSoFar(watching, listing);
  else await learnTaken(watching, watching.taken);
  await forgetGone(watching, watching.taken, listing);
  adoptDevices(listing, watching.taken);
  watching.folder = listing.folder;
  watching.lastSweep = clock.now();
  await watching.doneFiles.know(listing.files);
  const seen = observe(watching.candidates, listing, watching.taken, listed, watching.options.empty);
  watching.candidates = new Map([...seen].filter(([path]) => !watching.doneFiles.isOne(path)));
  const againMs = await takeReady(watching, watching.taken, began);
  tell(watching, listing.problems);
  return { status: status(watching, listing), folders: listing.folders, againMs };
}

interface Away {
  readonly away: "missing" | "error";
  readonly error: string;
}

async function list({ root, options, filter, folder, context }: Watching): Promise<Listing | Away> {
  try {
    const listing = await listFolder(root, options, filter, context.signal);
    if (isUnmounted(listing.folder, folder)) return { away: "missing", error: "nothing is mounted there any more" };
    return listing;
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || context.signal.aborted) throw error;
    return code === "ENOENT"
      ? { away: "missing", error: "there is no such folder" }
      : { away: "error", error: `the folder cannot be listed (${code})` };
  }
}

/** Nothing counts as gone that only cannot be seen. */
function away(watching: Watching, { away: state, error }: Away): Look {
  watching.candidates.clear();
  watching.batchSince = undefined;
  tell(watching, [`${watching.root}: ${error}`]);
  const { lastSweep } = watching;
  const { sweep, polling } = watching.options;
  return {
    status: { path: watching.root, state, pending: 0, error, ...(lastSweep && { lastSweep }) },
    folders: new Map(),
    againMs: Math.min(AWAY_MS, sweep, polling || sweep),
  };
}

async function takenSoFar({ options, context }: Watching, listing: Listing): Promise<Map<string, FileVersion>> {
  const known = await context.marks.taken(context.job, context.trigger);
  if (known) return new Map(known);
  // The folder is seen for the first time ever: from now on it is known, if only with nothing taken.
  const taken = options.existing ? [] : [...listing.files.values()];
  await context.book([], { taken });
  return new Map(taken.map((file) => [file.path, file.version]));
}

/** Manual runs take files, too. What Ferry put away itself stays known until it is seen to be gone. */
async function learnTaken({ context }: Watching, taken: Map<string, FileVersion>): Promise<void> {
  for (const [path, version] of (await context.marks.taken(context.job, context.trigger)) ?? []) {
    const known = taken.get(path);
    if (known === undefined || !sameVersion(known, version)) taken.set(path, version);
  }
}

async function forgetGone(
  { folder, context }: Watching,
  taken: Map<string, FileVersion>,
  listing: Listing,
): Promise<void> {
  const another = isAnother(listing.folder, folder);
  const missing = another ? [...taken.keys()] : missingFrom(listing, taken);
  const gone: string[] = [];
  for (const path of missing) if (another || (await isAbsent(path))) gone.push(path);
  if (gone.length === 0) return;
  await context.book([], { gone });
  for (const path of gone) taken.delete(path);
}

/** A listing may miss a name that is replaced at that moment, and does not have what the patterns no longer take. */
async function isAbsent(path: string): Promise<boolean> {
  const code = await lstat(path).then(() => undefined, systemCode);
  return code === "ENOENT" || code === "ENOTDIR";
}

function tell(watching: Watching, problems: readonly string[]): void {
  const { context, told } = watching;
  for (const problem of problems) if (!told.has(problem)) context.log("warn", `${context.trigger}: ${problem}`);
  watching.told = new Set(problems);
}

function status({ root, candidates, lastSweep }: Watching, { problems, unread }: Listing): WatcherStatus {
  const [first] = problems;
  const error = problems.length > 1 ? `${first} (and ${problems.length - 1} more)` : first;
  return {
    path: root,
    state: unread.length > 0 ? "error" : "watching",
    pending: candidates.size,
    ...(lastSweep && { lastSweep }),
    ...(error !== undefined && { error }),
  };
}
