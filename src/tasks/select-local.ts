import { resolve } from "node:path";
import { AgentError } from "../base/errors.js";
import { isSafeName, visible } from "../base/names.js";
import type { TaskFile } from "./files.js";
import { anywhereBelow, escapeGlob, folderMatcher, globMatcher, parseGlob } from "./glob.js";
import { identityOf, sameFile, statsIfAny } from "./local-files.js";
import { type Narrowing, narrow } from "./narrow.js";
import type { SelectionSpec } from "./selection.js";
import type { TaskContext, TaskResult } from "./task.js";
import { hasTags, isTemplate, isWholeTemplate, templateParts } from "./template-text.js";
import { type WalkedFile, walk } from "./walk.js";

export interface LocalSelection extends Narrowing {
  readonly from?: string | readonly string[] | undefined;
  readonly recursive?: boolean | undefined;
}

/**
 * The local files that a task is to work on. Files of the trigger that vanished meanwhile are left out, and logged.
 * A file whose name cannot be accepted (control characters, not UTF-8) never comes back. One that a path names is an
 * error; one that a glob found is logged as a warning and given to `refuse`, so that the task can fail when it is done
 * with the others. Links, FIFOs and devices that a glob found are passed over; named by a path, they are FERRY_NOT_A_FILE.
 */
export async function selectLocal(
  context: TaskContext,
  spec: LocalSelection,
  refuse: Refuse = () => {},
): Promise<readonly TaskFile[]> {
  const search: Search = { context, recursive: spec.recursive ?? false, refuse };
  const files =
    spec.from === undefined ? await presentTriggerFiles(context) : await fromTexts(search, [spec.from].flat());
  return narrow(context, spec, files);
}

export type Refuse = (path: string, error: AgentError) => void;

interface Search {
  readonly context: TaskContext;
  readonly recursive: boolean;
  readonly refuse: Refuse;
}

/** What a task gives back when nothing matched; FERRY_NOTHING_MATCHED where that is a failure. */
export function whenNothing(
  spec: Pick<LocalSelection, "from"> & { readonly onEmpty?: SelectionSpec["onEmpty"] },
  fallback: "fail" | "warn" | "succeed",
): TaskResult {
  const what =
    spec.from === undefined
      ? "no file of the trigger matched"
      : `no file matched ${visible([spec.from].flat().join(", "))}`;
  const policy = spec.onEmpty ?? fallback;
  if (policy === "fail") throw new AgentError("FERRY_NOTHING_MATCHED", what);
  return policy === "warn" ? { files: [], nothing: what, warning: what } : { files: [], nothing: what };
}

async function presentTriggerFiles(context: TaskContext): Promise<readonly TaskFile[]> {
  if (context.triggerFiles === undefined) {
    throw new AgentError(
      "FERRY_DEFINITION",
      `${context.task}: there is no \`from\`, and no trigger of the job has files`,
      {
        hint: "set `from`, or give the job a watch or poll trigger",
      },
    );
  }
  return present(context, context.triggerFiles);
}

/** A file of the trigger may have been taken away since; that is said, and no error. */
async function present(context: TaskContext, files: readonly TaskFile[]): Promise<readonly TaskFile[]> {
  const triggered = new Map(context.triggerFiles?.map((file) => [file.path, file]));
  const left: TaskFile[] = [];
  for (const file of files) {
    const known = triggered.get(file.path);
    const fromTrigger = known !== undefined && sameFile(known.identity, file.identity);
    if (fromTrigger && (await statsIfAny(file.path)) === undefined)
      context.log("warn", `${visible(file.path)} vanished before the run could take it`);
    else left.push(file);
  }
  return left;
}

async function fromTexts(search: Search, texts: readonly string[]): Promise<readonly TaskFile[]> {
  const found: TaskFile[] = [];
  for (const text of texts) {
    if (isWholeTemplate(text)) found.push(...(await fromValue(search, text)));
    else found.push(...(await fromGlob(search, await rendered(search.context, text))));
  }
  return found;
}

async function fromValue(search: Search, template: string): Promise<readonly TaskFile[]> {
  const value = await search.context.evaluate(template);
  const values: readonly unknown[] = Array.isArray(value) ? value.flat() : [value];
  const found: TaskFile[] = [];
  for (const one of values) {
    if (isTaskFile(one)) found.push(one);
    else if (typeof one === "string" && one !== "") found.push(...(await fromPath(search, one)));
    else
      throw new AgentError(
        "FERRY_TEMPLATE",
        `${template} yields ${one === undefined || one === null ? "nothing" : typeof one}, not files or paths`,
      );
  }
  return present(search.context, found);
}

function isTaskFile(value: unknown): value is TaskFile {
  return (
    typeof value === "object" &&
    value !== null &&
    "path" in value &&
    "folder" in value &&
    "identity" in value &&
    "origins" in value
  );
}

/** The glob that a text means: what a template in it renders matches itself only. */
async function rendered(context: TaskContext, text: string): Promise<string> {
  if (!isTemplate(text)) return text;
  if (hasTags(text)) {
    throw new AgentError("FERRY_TEMPLATE", `${text}: tags ({% … %}) are not taken here`, {
      hint: "compute the value in `vars`, and use {{ vars.… }}",
    });
  }
  const parts: string[] = [];
  for (const part of templateParts(text))
    parts.push(part.template ? escapeGlob(await context.text(part.text)) : part.text);
  return parts.join("");
}

async function fromGlob(search: Search, text: string): Promise<readonly TaskFile[]> {
  const { base, rest } = parseGlob(text);
  if (rest !== undefined) return findBelow(search, base, search.recursive ? anywhereBelow(rest) : rest);
  if (base.endsWith("/")) return findBelow(search, base, search.recursive ? "**/*" : "*");
  return fromPath(search, base);
}

/** The file that a path names; nothing when it is not there. */
async function fromPath(search: Search, written: string): Promise<readonly TaskFile[]> {
  const path = resolve(search.context.workspace, written);
  if (!isSafeName(path)) throw nameRefused(path);
  const stats = await statsIfAny(path);
  if (stats === undefined) {
    search.context.log("warn", `${visible(path)} is not there`);
    return [];
  }
  if (stats.isDirectory() && search.recursive) return findBelow(search, path, "**/*");
  if (!stats.isFile()) {
    const hint = stats.isDirectory() ? "end it in / for the files in the folder" : undefined;
    throw new AgentError(
      "FERRY_NOT_A_FILE",
      `${visible(path)} is not a regular file`,
      hint === undefined ? {} : { hint },
    );
  }
  const identity = identityOf(stats);
  return [{ path, folder: "", identity, origins: [{ path, identity }] }];
}

async function findBelow(search: Search, base: string, rest: string): Promise<readonly TaskFile[]> {
  const { context } = search;
  const root = resolve(context.workspace, base);
  if (!isSafeName(root)) throw nameRefused(root);
  if ((await statsIfAny(root)) === undefined) {
    context.log("warn", `the folder ${visible(root)} is not there`);
    return [];
  }
  const found: TaskFile[] = [];
  await walk(
    root,
    {
      enters: folderMatcher(rest),
      wants: globMatcher(rest, { dot: false }),
      found: (file) => found.push(fresh(file)),
      refused: (path, why) => passOver(search, path, why),
      accepts: isSafeName,
    },
    context.signal,
  );
  return found;
}

function fresh({ path, folder, identity }: WalkedFile): TaskFile {
  return { path, folder, identity, origins: [{ path, identity }] };
}

function passOver(search: Search, path: string, why: "link" | "special" | "name" | "deep"): void {
  const { context, refuse } = search;
  if (why === "link" || why === "special") {
    context.log(
      "info",
      `${visible(path)} is passed over: ${why === "link" ? "a link, which is not followed" : "not a regular file"}`,
    );
    return;
  }
  const error =
    why === "name" ? nameRefused(path) : new AgentError("FERRY_PATH_OUTSIDE", `${visible(path)} lies too deep`);
  context.log("warn", error.message);
  refuse(visible(path), error);
}

function nameRefused(path: string): AgentError {
  return new AgentError("FERRY_NAME_REFUSED", `${visible(path)} has a name that is not accepted`);
}
