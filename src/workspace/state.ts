import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { AgentError, systemCode } from "../base/errors.js";
import type { WorkspacePaths } from "./paths.js";

/** The folders of the state, made 0700 where they are missing, and made private again where they are not. */
export function makeState(paths: WorkspacePaths): void {
  for (const folder of [paths.state, paths.certificates, paths.keys, paths.logs, paths.work]) makePrivateFolder(folder);
}

function makePrivateFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if ((statSync(folder).mode & 0o777) !== 0o700) chmodSync(folder, 0o700);
  } catch (error) {
    throw new AgentError("FERRY_FILE_REFUSED", `the folder ${folder} cannot be made`, { cause: error });
  }
}

/** Makes an empty file 0600, so that a library that opens it later (SQLite) cannot make it readable for others. */
export function makePrivateFile(file: string): void {
  try {
    closeSync(openSync(file, "a", 0o600));
    if ((statSync(file).mode & 0o777) !== 0o600) chmodSync(file, 0o600);
  } catch (error) {
    throw new AgentError("FERRY_FILE_REFUSED", `the file ${file} cannot be made`, { cause: error });
  }
}

/** Refuses to work on a workspace whose `.ferry` belongs to another user, root included. Nothing to refuse where there is none yet. */
export function checkOwner(paths: WorkspacePaths, user: number | undefined): void {
  const owner = statSync(paths.state, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || user === undefined || owner === user) return;
  throw new AgentError(
    "FERRY_WRONG_USER",
    `the workspace ${paths.root} belongs to ${userName(owner)}, and this is ${userName(user)}`,
    {
      hint: `run the command as ${userName(owner)}`,
    },
  );
}

/** The name of a user id, else the id itself. */
export function userName(id: number): string {
  try {
    for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
      const [name, , uid] = line.split(":");
      if (name !== undefined && uid === String(id)) return name;
    }
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
  return `user ${id}`;
}
