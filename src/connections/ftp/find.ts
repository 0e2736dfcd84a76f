import { AgentError } from "../../base/errors.js";
import type { RemoteEntry, VerifiedSize } from "../session.js";
import { listFile, listWhole } from "./list.js";
import { parseMlst, parseSize, parseTime } from "./listing.js";
import { folderOf, nameOf } from "./paths.js";
import { type FtpReply, finalLine, isRefusal, isUnknownCommand } from "./replies.js";
import type { FtpState } from "./state.js";
import { meaningOf, refusal } from "./translate.js";

/** An entry, and how the server was asked for it. */
export interface Found {
  readonly entry: RemoteEntry;
  readonly by: VerifiedSize["by"];
}

/** What is at `path`, or undefined when it is certain that nothing is. A refusal is an error. */
export async function find(state: FtpState, path: string): Promise<Found | undefined> {
  const told = await byMlst(state, path);
  if (told === "absent") return undefined;
  if (told && told !== "refused") return told;
  const sized = await sizeOf(state, path);
  if (typeof sized === "number") {
    const modifiedAt = await timeOf(state, path);
    return { by: "size", entry: { name: nameOf(path), type: "file", size: sized, modifiedAt } };
  }
  return byLooking(state, path, sized ?? told);
}

/** The size at `path`; undefined where this server has no way to tell. */
export async function findSize(state: FtpState, path: string): Promise<VerifiedSize | undefined> {
  const sized = await sizeOf(state, path);
  if (typeof sized === "number") return { bytes: sized, by: "size" };
  const found = sized === "absent" ? undefined : await findBySomethingElse(state, path);
  if (!found) throw new AgentError("FERRY_REMOTE_NOT_FOUND", `${path}: no such file or folder`);
  return found.entry.size === undefined ? undefined : { bytes: found.entry.size, by: found.by };
}

async function findBySomethingElse(state: FtpState, path: string): Promise<Found | undefined> {
  const told = await byMlst(state, path);
  if (told === "absent") return undefined;
  return told && told !== "refused" ? told : byLooking(state, path, told);
}

/** True when a file is at `path`, asked as cheaply as can be: what else may be there refuses to be overwritten by itself. */
export async function isFile(state: FtpState, path: string): Promise<boolean> {
  if (state.features.has("MLST") || !state.features.has("SIZE")) return (await find(state, path)) !== undefined;
  const reply = await state.channel.ask(`SIZE ${path}`);
  if (!isRefusal(reply)) return true;
  const isPlainNo = reply.code === 550 && meaningOf(reply) !== "forbidden";
  return isPlainNo ? false : (await find(state, path)) !== undefined;
}

async function byMlst(
  { channel, features }: FtpState,
  path: string,
): Promise<Found | "absent" | "refused" | undefined> {
  if (!features.has("MLST")) return undefined;
  const reply = await channel.ask(`MLST ${path}`);
  if (isRefusal(reply)) {
    if (isUnknownCommand(reply)) features.remove("MLST");
    const isAnswer = !isUnknownCommand(reply);
    return isAnswer ? (settled(reply, path, channel.alive) ?? "refused") : undefined;
  }
  const entry = parseMlst(reply.lines, nameOf(path));
  return entry && { entry, by: "size" };
}

async function sizeOf(
  { channel, features }: FtpState,
  path: string,
): Promise<number | "absent" | "refused" | undefined> {
  if (!features.has("SIZE")) return undefined;
  const reply = await channel.ask(`SIZE ${path}`);
  if (!isRefusal(reply)) return parseSize(finalLine(reply).slice(4).trim());
  if (isUnknownCommand(reply)) {
    features.remove("SIZE");
    return undefined;
  }
  // Some servers refuse SIZE of a folder as "not allowed": only absence is taken from it.
  if (!channel.alive) throw refusal(reply, path);
  const meaning = meaningOf(reply);
  if (reply.code !== 550 || meaning === "forbidden") return undefined;
  return meaning ?? "refused";
}

async function timeOf({ channel, features }: FtpState, path: string): Promise<Date | undefined> {
  if (!features.has("MDTM")) return undefined;
  const reply = await channel.ask(`MDTM ${path}`);
  if (isRefusal(reply) && isUnknownCommand(reply)) features.remove("MDTM");
  return isRefusal(reply) ? undefined : parseTime(finalLine(reply).slice(4).trim());
}

/** Absence and refusal, where the server's words settle which. */
function settled(reply: FtpReply, path: string, isAlive: boolean): "absent" | undefined {
  const meaning = meaningOf(reply);
  if (!isAlive || meaning === "forbidden" || (reply.code < 500 && meaning !== "absent")) throw refusal(reply, path);
  return meaning;
}

/** For servers whose refusals tell nothing: enter it, list it, enter the folder above it. `word`: what SIZE or MLST said. */
async function byLooking(
  state: FtpState,
  path: string,
  word: "absent" | "refused" | undefined,
): Promise<Found | undefined> {
  const { channel } = state;
  const entered = await channel.ask(`CWD ${path}`);
  if (!isRefusal(entered)) {
    return { by: "size", entry: { name: nameOf(path), type: "directory", size: undefined, modifiedAt: undefined } };
  }
  // SIZE says "no such file" of a folder, too, and CWD "no such folder" of a file: one of them is not enough.
  const isNoFolder = settled(entered, path, channel.alive) === "absent";
  if (word === "absent" || (word === "refused" && isNoFolder)) return undefined;
  const listed = await listFile(state, path);
  if (listed && listed !== "unclear") return { entry: listed, by: "size-list" };
  const above = folderOf(path);
  if (above === path) throw refusal(entered, path);
  const enteredAbove = await channel.ask(`CWD ${above}`);
  if (isRefusal(enteredAbove)) {
    if ((await find(state, above)) === undefined) return undefined;
    // The folder is there, and we may not look into it.
    throw new AgentError("FERRY_REMOTE_REFUSED", `${path}: the server denied it`, { cause: enteredAbove.message });
  }
  // Only a name that reads like a pattern needs the whole list to be sure.
  if (listed === undefined && !/[*?[\]{}\\]/.test(path)) return undefined;
  const entry = (await listWhole(state, above)).find(({ name }) => name === nameOf(path));
  return entry && { entry, by: "size-list" };
}

/** A refusal that says too little, made precise by looking whether `path` is there at all. */
export async function explain(state: FtpState, error: unknown, path: string): Promise<unknown> {
  const isVague = error instanceof AgentError && error.code === "FERRY_SERVER_REFUSED" && state.channel.alive;
  if (!isVague) return error;
  try {
    if (await find(state, path)) return error;
  } catch (found) {
    const isDenial = found instanceof AgentError && found.code === "FERRY_REMOTE_REFUSED";
    return isDenial
      ? new AgentError("FERRY_REMOTE_REFUSED", `${path}: the server denied it`, { cause: error.cause })
      : error;
  }
  return new AgentError("FERRY_REMOTE_NOT_FOUND", `${path}: no such file or folder`, { cause: error.cause });
}
