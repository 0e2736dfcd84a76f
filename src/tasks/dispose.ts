import { link, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { AgentError, asAgentError, systemCode } from "../base/errors.js";
import { visible } from "../base/names.js";
import { copyContent } from "./copy-content.js";
import type { FileIdentity, TaskFile } from "./files.js";
import {
  cannotLink,
  exists,
  identify,
  identityOf,
  makeFolder,
  publishLocal,
  sameContent,
  sameFile,
  samePlace,
  sourceChanged,
  statsIfAny,
  syncFolder,
  translateSystemError,
} from "./local-files.js";
import { splitName, temporaryName } from "./names.js";
import { removeSource } from "./remove-source.js";
import { confined, localPath, renderedPath } from "./target.js";
import type { TaskContext } from "./task.js";

/** What becomes of a source once it is delivered. A task lists the key among its lazy ones. */
export const afterSchema = z.union([
  z.enum(["keep", "delete"]),
  z.strictObject({
    move: z.string().min(1).describe("Folder (ending in /) or path to move the source to; a taken name gets a suffix."),
  }),
  z.strictObject({
    rename: z.string().min(1).describe("New name of the source, in its folder; a taken name gets a suffix."),
  }),
]);
export type After = z.output<typeof afterSchema>;

/** A file that the run began with. */
export interface Origin {
  readonly path: string;
  readonly identity: FileIdentity;
}

/**
 * Deletes, moves or renames the source as the task asks, and gives its new path: its own, when it was to go to where it lies. `current` is the file of the templates.
 * Never touches another file than the one that was delivered (FERRY_DISPOSAL_FAILED when it has changed), never overwrites
 * one, and never leaves none: the copy is durable under its new name before the old name goes. Done twice, it is done once.
 */
export async function disposeSource(
  context: TaskContext,
  file: Origin,
  after: After,
  current: TaskFile,
): Promise<string | undefined> {
  if (after === "keep") return undefined;
  try {
    if (after === "delete") return await remove(context, file);
    const wanted =
      "move" in after
        ? await moveTarget(context, after.move, file, current)
        : await renameTarget(context, after.rename, file, current);
    if (wanted === file.path || (await samePlace(wanted, file.path))) return file.path;
    return await moveSource(context, file, wanted);
  } catch (error) {
    context.signal.throwIfAborted();
    const known = asAgentError(error);
    const what =
      known.code === "FERRY_SOURCE_CHANGED"
        ? "has changed since, and stays where it is"
        : `could not be put away: ${known.message}`;
    throw new AgentError("FERRY_DISPOSAL_FAILED", `${visible(file.path)} ${what}`, {
      cause: known.cause ?? known.message,
    });
  }
}

async function remove(context: TaskContext, file: Origin): Promise<undefined> {
  const there = await statsIfAny(file.path);
  if (there?.isFile() && !sameFile(identityOf(there), file.identity)) throw sourceChanged(file.path);
  if (!(await removeSource(file.path, file.identity))) gone(context, file);
  return undefined;
}

async function moveTarget(context: TaskContext, template: string, file: Origin, current: TaskFile): Promise<string> {
  const path = await renderedPath(context, template, current);
  return path.endsWith("/") ? join(localPath(context, path), basename(file.path)) : localPath(context, path);
}

async function renameTarget(context: TaskContext, template: string, file: Origin, current: TaskFile): Promise<string> {
  const name = confined(await context.text(template, { file: current }));
  if (name.includes("/"))
    throw new AgentError(
      "FERRY_NAME_REFUSED",
      `"${visible(name)}" is not a name; to put it into another folder use \`move\``,
    );
  return resolve(dirname(file.path), name);
}

/** Moves the file, never over another one; a taken name gets a suffix. Gives where it is now; undefined when it was gone. */
async function moveSource(context: TaskContext, file: Origin, wanted: string): Promise<string | undefined> {
  const folder = dirname(wanted);
  const there = await statsIfAny(file.path);
  if (there === undefined) {
    // What a crash left aside while it was being moved is deleted: its copy is durable by then.
    if (!(await removeSource(file.path, file.identity))) gone(context, file);
    return undefined;
  }
  const earlier = await linkedBefore(wanted, file);
  if (earlier === undefined && !(there.isFile() && sameFile(identityOf(there), file.identity)))
    throw sourceChanged(file.path);
  await makeFolder(folder);
  const target = earlier ?? (await secondName(file, wanted)) ?? (await copyAcross(context, file, wanted));
  await syncFolder(folder);
  await removeSource(file.path, file.identity);
  return target;
}

/** The name that an attempt which broke off gave to this very file already. */
async function linkedBefore(wanted: string, file: Origin): Promise<string | undefined> {
  for (const candidate of names(wanted)) {
    const stats = await statsIfAny(candidate);
    if (stats === undefined) return undefined;
    if (stats.isFile() && sameContent(identityOf(stats), file.identity)) return candidate;
  }
  return undefined;
}

/** Links the file to the first free name; undefined where the file system, or the distance between two, does not allow it. */
async function secondName(file: Origin, wanted: string): Promise<string | undefined> {
  for (const candidate of names(wanted)) {
    try {
      await link(file.path, candidate);
    } catch (error) {
      if (systemCode(error) === "EEXIST") continue;
      if (cannotLink(error)) return undefined;
      throw translateSystemError(error, candidate);
    }
    if (sameContent(await identify(candidate), file.identity)) return candidate;
    await unlink(candidate);
    throw sourceChanged(file.path);
  }
  return undefined;
}

async function copyAcross(context: TaskContext, file: Origin, wanted: string): Promise<string> {
  const temporary = join(dirname(wanted), temporaryName(basename(wanted)));
  try {
    await copyContent(file.path, file.identity, temporary, { signal: context.signal, keepMode: true });
    for (const candidate of names(wanted)) {
      if (await exists(candidate)) continue;
      const published = await publishLocal(temporary, candidate, { replace: false }).catch(unlessTaken);
      if (published) return candidate;
    }
    return wanted;
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

function unlessTaken(error: unknown): undefined {
  if (error instanceof AgentError && error.code === "FERRY_TARGET_EXISTS") return undefined;
  throw error;
}

/** `orders.csv`, `orders_1.csv`, `orders_2.csv` … */
function* names(wanted: string): Generator<string> {
  yield wanted;
  const { stem, ext } = splitName(basename(wanted));
  for (let number = 1; ; number++) yield join(dirname(wanted), `${stem}_${number}${ext}`);
}

function gone(context: TaskContext, file: Origin): void {
  context.log("warn", `${visible(file.path)} was already gone`);
}
