import { type Dirent, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../base/errors.js";
import type { WorkspacePaths } from "../workspace/paths.js";
import { unsafePermissions } from "../workspace/permissions.js";
import type { Problem } from "./problem.js";
import { type ReadSource, readSource } from "./source.js";

const LARGEST_FILE = 1024 * 1024;

/** The definition files of a workspace, by what they define; relative to it. */
export interface DefinitionFiles {
  readonly settings: readonly string[];
  readonly connections: readonly string[];
  readonly jobs: readonly string[];
  /** Files that look like definitions and are not read. */
  readonly passedOver: readonly string[];
}

export function findDefinitions(paths: WorkspacePaths): DefinitionFiles {
  const connections = inFolder(paths.connectionsFolder, "connections");
  const jobs = inFolder(paths.jobsFolder, "jobs");
  const here = (file: string): string[] => (existsSync(join(paths.root, file)) ? [file] : []);
  return {
    settings: here("ferry.yaml"),
    connections: [...here("connections.yaml"), ...connections.filter(isYaml)],
    jobs: jobs.filter(isYaml),
    passedOver: [...connections, ...jobs].filter((file) => file.endsWith(".yml")),
  };
}

/** Reads one definition file; undefined when it is refused, with the reason among the problems. */
export function readDefinition(
  paths: WorkspacePaths,
  file: string,
  user: number | undefined,
): { readonly read: ReadSource | undefined; readonly problems: readonly Problem[] } {
  const path = join(paths.root, file);
  try {
    const unsafe = unsafePermissions(path, file, user);
    const problems =
      unsafe === undefined
        ? []
        : [whole(file, unsafe.message, unsafe.hint, "FERRY_UNSAFE_PERMISSIONS", unsafe.severity)];
    if (unsafe?.severity === "error") return { read: undefined, problems };
    const found = statSync(path);
    if (!found.isFile()) return { read: undefined, problems: [whole(file, "not a regular file", null)] };
    if (found.size > LARGEST_FILE) {
      return {
        read: undefined,
        problems: [whole(file, `the file has ${found.size} bytes, and at most 1 MiB is read`, "split it")],
      };
    }
    const text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
    const read = readSource(file, path, text);
    return { read, problems: [...problems, ...read.problems] };
  } catch (error) {
    if (error instanceof TypeError)
      return { read: undefined, problems: [whole(file, "the file is not UTF-8", "save it as UTF-8")] };
    if (systemCode(error) === undefined) throw error;
    return {
      read: undefined,
      problems: [whole(file, `the file cannot be read: ${String((error as Error).message)}`, null)],
    };
  }
}

/** Folders that others may write: they could put definitions there, or exchange those that are there. */
export function unsafeFolders(paths: WorkspacePaths, user: number | undefined): Problem[] {
  const folders = [
    [paths.root, "."],
    [paths.connectionsFolder, "connections"],
    [paths.jobsFolder, "jobs"],
  ] as const;
  return folders.flatMap(([path, shown]) => {
    const unsafe = unsafePermissions(path, shown, user);
    return unsafe === undefined
      ? []
      : [whole(shown, unsafe.message, unsafe.hint, "FERRY_UNSAFE_PERMISSIONS", unsafe.severity)];
  });
}

/** A problem of a file as a whole. */
export function whole(
  file: string,
  message: string,
  hint: string | null,
  code: Problem["code"] = "FERRY_DEFINITION",
  severity: Problem["severity"] = "error",
): Problem {
  return { file, line: 1, column: 1, path: "", severity, code, message, hint };
}

function inFolder(folder: string, shown: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw error;
  }
  return entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => `${shown}/${entry.name}`)
    .sort();
}

function isYaml(file: string): boolean {
  return file.endsWith(".yaml");
}
