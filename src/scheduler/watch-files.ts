import { resolve } from "node:path";
import { AgentError, systemCode } from "../base/errors.js";
import { openForWriting } from "./open-files.js";
import type { FilesContext, WatchedFile } from "./trigger.js";
import { inOrder } from "./watch-candidates.js";
import { countsAgain } from "./watch-checks.js";
import { createDoneFiles } from "./watch-done-files.js";
import { nameFilter } from "./watch-names.js";
import { type Listing, listFolder, sameVersion } from "./watch-scan.js";
import type { WatchOptions } from "./watch-schema.js";

/** What a manual run takes: all that the watch would, without waiting whether it still changes, and what runs left unfinished. */
export async function filesNow(options: WatchOptions, context: FilesContext): Promise<readonly WatchedFile[]> {
  const { job, trigger, marks } = context;
  const listing = await list(resolve(context.workspace, options.path), options);
  const taken = await marks.taken(job, trigger);
  if (taken === undefined && !options.existing) return [];
  const unfinished = await marks.unfinished(job, trigger);
  const doneFiles = createDoneFiles(options.doneFile, context.render);
  await doneFiles.know(listing.files);
  const found: WatchedFile[] = [];
  for (const [path, file] of listing.files) {
    if (doneFiles.isOne(path) || (file.version.size === 0 && options.empty === "ignore")) continue;
    const before = unfinished.has(path) ? undefined : taken?.get(path);
    if (before && (sameVersion(before, file.version) || (await countsAgain(file, before, context)) !== true)) continue;
    if (await marks.putAway(job, file)) continue;
    if (await doneFiles.standsBeside(file)) found.push(file);
  }
  const open = await openForWriting(found);
  return inOrder(found.filter((file) => !open.has(file.path)));
}

/** A folder that is not there has no files. */
async function list(root: string, options: WatchOptions): Promise<Pick<Listing, "files">> {
  try {
    return await listFolder(root, options, nameFilter(options), new AbortController().signal);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    if (code === "ENOENT") return { files: new Map() };
    throw new AgentError("FERRY_FILE_REFUSED", `the watched folder ${options.path} cannot be listed`, { cause: error });
  }
}
