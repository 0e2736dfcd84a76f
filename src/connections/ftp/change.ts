import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import { AgentError, beforeAnything } from "../../base/errors.js";
import type { Reply } from "../session.js";
import { explain, find, isFile } from "./find.js";
import { folderOf, nameOf } from "./paths.js";
import { finalLine, isRefusal } from "./replies.js";
import type { FtpState } from "./state.js";
import { refusal } from "./translate.js";

/** RNFR and RNTO. Many servers overwrite without a word, so what is there is asked for first. */
export async function rename(state: FtpState, from: string, to: string, replace: boolean): Promise<Reply> {
  if (!replace && (await isFile(state, to).catch(unmoved))) throw exists(to);
  try {
    return await move(state, from, to);
  } catch (error) {
    const isDefinite = error instanceof AgentError && /^FERRY_(?:SERVER_REFUSED|REMOTE_REFUSED)$/.test(error.code);
    if (!isDefinite || !state.channel.alive) throw error;
    const there = await find(state, to).catch(() => undefined);
    if (!there) throw await explain(state, error, folderOf(to));
    if (!replace || there.entry.type === "directory") throw replace ? error : exists(to);
    return swap(state, from, to);
  }
}

function exists(path: string): AgentError {
  return new AgentError("FERRY_TARGET_EXISTS", `${path} exists already`);
}

/** Nothing moves before RNTO: whatever became of RNFR, `from` is where it was. */
async function move(state: FtpState, from: string, to: string): Promise<Reply> {
  const reply = await state.channel.ask(`RNFR ${from}`).catch(unmoved);
  if (isRefusal(reply)) throw beforeAnything(await explain(state, refusal(reply, from), from));
  return finalLine(await state.channel.command(`RNTO ${to}`, to));
}

function unmoved(error: unknown): never {
  throw beforeAnything(error);
}

/** For servers that do not overwrite: the old file steps aside, and is deleted only when the new one is there. */
async function swap(state: FtpState, from: string, to: string): Promise<Reply> {
  const aside = posix.join(folderOf(to), `.${nameOf(to)}.${randomBytes(3).toString("hex")}.old`);
  await move(state, to, aside);
  let reply: Reply;
  try {
    reply = await move(state, from, to);
  } catch (error) {
    if (state.channel.alive) await move(state, aside, to);
    throw error;
  }
  const gone = await state.channel.ask(`DELE ${aside}`);
  if (isRefusal(gone)) state.transcript.note(`the replaced file is still there as ${aside}`);
  return reply;
}

export async function remove(state: FtpState, path: string): Promise<Reply> {
  const reply = await state.channel.ask(`DELE ${path}`);
  if (isRefusal(reply)) throw await explain(state, refusal(reply, path), path);
  return finalLine(reply);
}

export async function removeDirectory(state: FtpState, path: string): Promise<void> {
  const reply = await state.channel.ask(`RMD ${path}`);
  if (isRefusal(reply)) throw await explain(state, refusal(reply, path), path);
}

/** Finds the deepest folder that is there, then makes those below it, one MKD each. */
export async function makeDirectory(state: FtpState, path: string): Promise<void> {
  const missing: string[] = [];
  for (let folder = path; !(await canEnter(state, folder)); folder = folderOf(folder)) {
    missing.unshift(folder);
    if (folderOf(folder) === folder) break;
  }
  for (const folder of missing) {
    // From the top down, each in the one before.
    const reply = await state.channel.ask(`MKD ${folder}`);
    // Another session may have been quicker.
    if (isRefusal(reply) && !(state.channel.alive && (await canEnter(state, folder)))) throw refusal(reply, folder);
  }
}

async function canEnter({ channel }: FtpState, folder: string): Promise<boolean> {
  const reply = await channel.ask(`CWD ${folder}`);
  if (isRefusal(reply) && !channel.alive) throw refusal(reply, folder);
  return !isRefusal(reply);
}

/** Sets the time by MFMT, in UTC. */
export async function setModifiedAt(state: FtpState, path: string, time: Date): Promise<void> {
  const stamp = time.toISOString().replace(/\D/g, "").slice(0, 14);
  await state.channel.command(`MFMT ${stamp} ${path}`, path);
}
