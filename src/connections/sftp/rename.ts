import { randomInt } from "node:crypto";
import { posix } from "node:path";
import { AgentError, beforeAnything } from "../../base/errors.js";
import type { Transcript } from "../../base/transcript.js";
import type { Reply } from "../session.js";
import type { Requests } from "./requests.js";

/**
 * Moves `from` to `to`, the same on every server. Version 3 leaves open what RENAME does to an existing target, and
 * some servers overwrite it: so the target is looked at first.
 */
export async function renameTo(
  requests: Requests,
  from: string,
  to: string,
  replace: boolean,
  transcript: Transcript,
): Promise<Reply> {
  if (replace && requests.extensions.includes("posix-rename@openssh.com")) {
    await requests.posixRename(from, to);
    return "POSIX-RENAME OK";
  }
  const target = await kindOf(requests, to).catch(unmoved);
  if (target === "nothing") return renameToFree(requests, from, to);
  if (!replace || target === "folder") throw exists(from, to, target);
  return replaceAside(requests, from, to, transcript);
}

async function renameToFree(requests: Requests, from: string, to: string): Promise<Reply> {
  try {
    await requests.rename(from, to);
    return "RENAME OK";
  } catch (error) {
    // FAILURE means anything; the target may have come into being meanwhile.
    if (!isUnexplained(error)) throw error;
    const target = await kindOf(requests, to);
    if (target !== "nothing") throw exists(from, to, target);
    throw await orNotFound(requests, error, from);
  }
}

/** Without posix-rename the old content steps aside, and is removed only when the new one is in its place. */
async function replaceAside(requests: Requests, from: string, to: string, transcript: Transcript): Promise<Reply> {
  await requests.lstat(from).catch(unmoved); // before the target is touched
  const aside = asideName(to);
  await requests.rename(to, aside);
  try {
    await requests.rename(from, to);
  } catch (error) {
    await requests.rename(aside, to).catch(() => transcript.note(`the old content of ${to} is in ${aside}`, "ssh"));
    throw error;
  }
  await requests
    .remove(aside)
    .catch(() => transcript.note(`the old content of ${to} could not be removed, and is in ${aside}`, "ssh"));
  return "RENAME OK";
}

function unmoved(error: unknown): never {
  throw beforeAnything(error);
}

function asideName(path: string): string {
  const { dir, base } = posix.parse(path);
  const id = randomInt(36 ** 4)
    .toString(36)
    .padStart(4, "0");
  const name = `.${base}.${id}.old`;
  return posix.join(dir, Buffer.byteLength(name) > LONGEST_NAME ? `.${id}.old` : name);
}

const LONGEST_NAME = 255;

async function kindOf(requests: Requests, path: string): Promise<"nothing" | "folder" | "file"> {
  try {
    return (await requests.lstat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    if (isNotFound(error)) return "nothing";
    throw error;
  }
}

function exists(from: string, to: string, target: "folder" | "file"): AgentError {
  return new AgentError(
    "FERRY_TARGET_EXISTS",
    `cannot rename ${from} to ${to}: ${target === "folder" ? "a folder has that name" : "it exists already"}`,
  );
}

export function isNotFound(error: unknown): boolean {
  return error instanceof AgentError && error.code === "FERRY_REMOTE_NOT_FOUND";
}

/** SSH_FX_FAILURE: the server gave no reason that a program understands. */
function isUnexplained(error: unknown): error is AgentError {
  return error instanceof AgentError && error.code === "FERRY_SERVER_REFUSED";
}

/** Some servers say FAILURE of what is absent. */
export async function orNotFound(requests: Requests, error: unknown, path: string): Promise<unknown> {
  if (!isUnexplained(error)) return error;
  try {
    await requests.lstat(path);
    return error;
  } catch (absent) {
    return isNotFound(absent) ? absent : error;
  }
}
