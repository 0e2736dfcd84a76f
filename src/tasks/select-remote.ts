import { posix } from "node:path";
import { AgentError } from "../base/errors.js";
import { safeFileName, safeRemotePath } from "../base/names.js";
import type { RemoteEntry, RemoteSession } from "../connections/session.js";
import type { TaskFile } from "./files.js";
import { anywhereBelow, folderMatcher, globMatcher, parseGlob } from "./glob.js";
import { narrow } from "./narrow.js";
import type { SelectionSpec } from "./selection.js";
import type { TaskContext } from "./task.js";
import { isWholeTemplate } from "./template-text.js";

/** How deep a recursive search on a server goes: a hostile server can list itself for ever. */
const DEEPEST = 32;
/** How many folders one search lists at most. */
const MOST_FOLDERS = 10_000;

/** A file on a server, in the shape that templates and filters know. */
export interface RemoteFile {
  readonly path: string;
  /** The folders below the first wildcard. */
  readonly folder: string;
  readonly size: number | undefined;
  readonly modifiedAt: Date | undefined;
}

/** The files on the server that `from` names (a pattern, a path, or a list of them), narrowed and ordered as asked. */
export async function selectRemote(
  context: TaskContext,
  remote: RemoteSession,
  spec: SelectionSpec,
): Promise<readonly RemoteFile[]> {
  const patterns = await patternsOf(context, spec.from);
  const found = new Map<string, RemoteFile>();
  for (const pattern of patterns) {
    for (const file of await matching(context, remote, pattern, spec.recursive)) found.set(file.path, file);
  }
  const kept = narrow(context, spec, [...found.values()].map(asTaskFile));
  return kept.flatMap((file) => found.get(file.path) ?? []);
}

/** A remote file as the current `file` of templates. */
export function asTaskFile(file: RemoteFile): TaskFile {
  const mtimeNs = (BigInt(file.modifiedAt?.getTime() ?? 0) * 1_000_000n).toString();
  return {
    path: file.path,
    folder: file.folder,
    origins: [],
    identity: { size: file.size ?? 0, mtimeNs, ctimeNs: "0", ino: "0", dev: "0" },
  };
}

interface Pattern {
  readonly text: string;
  readonly literal: boolean;
}

async function patternsOf(context: TaskContext, from: SelectionSpec["from"]): Promise<readonly Pattern[]> {
  if (from === undefined)
    throw new AgentError("FERRY_DEFINITION", "a download needs `from`: which files on the server");
  const patterns: Pattern[] = [];
  for (const template of typeof from === "string" ? [from] : from) {
    const value = await context.evaluate(template);
    for (const text of Array.isArray(value) ? value : [value])
      patterns.push({ text: safeRemotePath(String(text)), literal: isWholeTemplate(template) });
  }
  return patterns;
}

async function matching(
  context: TaskContext,
  remote: RemoteSession,
  pattern: Pattern,
  recursive: boolean,
): Promise<readonly RemoteFile[]> {
  // A folder stands for the files in it.
  const text = pattern.text.endsWith("/") && !pattern.literal ? `${pattern.text}*` : pattern.text;
  const { base, rest } = pattern.literal ? { base: text, rest: undefined } : parseGlob(text);
  if (rest === undefined) {
    const entry = await remote.stat(base);
    return entry?.type === "file" ? [{ path: base, folder: "", size: entry.size, modifiedAt: entry.modifiedAt }] : [];
  }
  const wanted = recursive ? anywhereBelow(rest) : rest;
  const matches = globMatcher(wanted, { dot: false });
  const enters = folderMatcher(wanted);
  const files: RemoteFile[] = [];
  const take = (file: RemoteFile): void => {
    if (matches(posix.join(file.folder, posix.basename(file.path)))) files.push(file);
  };
  await walk({ context, remote, base, enters, take, listed: 0 }, "", 0);
  return files;
}

interface Walk {
  readonly context: TaskContext;
  readonly remote: RemoteSession;
  readonly base: string;
  /** Whether a folder at a depth may hold something that matches. */
  readonly enters: (name: string, depth: number) => boolean;
  readonly take: (file: RemoteFile) => void;
  /** Folders so far. */
  listed: number;
}

async function walk(search: Walk, folder: string, depth: number): Promise<void> {
  const { context, remote, base } = search;
  context.signal.throwIfAborted();
  search.listed += 1;
  if (search.listed > MOST_FOLDERS) {
    throw new AgentError("FERRY_LIMIT", `${base}: more than ${MOST_FOLDERS} folders are below it`);
  }
  for (const entry of await remote.list(posix.join(base, folder))) {
    if (!acceptable(context, entry)) continue;
    const { name, size, modifiedAt } = entry;
    if (entry.type === "file") search.take({ path: posix.join(base, folder, name), folder, size, modifiedAt });
    // In order: one session answers one question at a time.
    else if (entry.type === "directory" && depth < DEEPEST && search.enters(name, depth)) {
      await walk(search, posix.join(folder, name), depth + 1);
    }
  }
}

/** A name that could climb or forge is passed over, and said so: it never becomes a path. */
function acceptable(context: TaskContext, entry: RemoteEntry): boolean {
  try {
    safeFileName(entry.name);
    return true;
  } catch (error) {
    context.log("warn", error instanceof Error ? error.message : String(error));
    return false;
  }
}
