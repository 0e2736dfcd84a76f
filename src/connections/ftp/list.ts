import { AgentError } from "../../base/errors.js";
import type { RemoteEntry } from "../session.js";
import { parseList, parseMlsd } from "./listing.js";
import { nameOf } from "./paths.js";
import { downloadPump } from "./pumps.js";
import { isRefusal } from "./replies.js";
import type { FtpState } from "./state.js";
import { transfer } from "./transfer.js";
import { refusal } from "./translate.js";

const LARGEST_LISTING = 64 * 1024 * 1024;

/** All entries of `folder`, by MLSD where the server has it, else by LIST. */
export async function listFolder(state: FtpState, folder: string): Promise<readonly RemoteEntry[]> {
  if (!state.features.has("MLSD")) return listWhole(state, folder);
  try {
    return parseMlsd(await text(state, `MLSD ${folder}`, folder));
  } catch (error) {
    if (!isUnknown(error)) throw error;
    state.transcript.note("MLSD is announced and not there: LIST from now on");
    state.features.remove("MLSD");
    return listWhole(state, folder);
  }
}

/** By LIST. The folder is entered first: an argument may be read as a pattern, and an absent folder as an empty one. */
export async function listWhole(state: FtpState, folder: string): Promise<readonly RemoteEntry[]> {
  const entered = await state.channel.ask(`CWD ${folder}`);
  if (isRefusal(entered)) throw refusal(entered, folder);
  if (state.listsAll !== false) {
    const all = await text(state, "LIST -a", folder).catch((error: unknown) => {
      if (!isRefused(error)) throw error;
      return "";
    });
    // A server that knows -a lists at least the folder itself; one that takes it for a name lists nothing.
    state.listsAll = all.trim() !== "";
    if (state.listsAll) return read(state, all);
  }
  return read(state, await text(state, "LIST", folder));
}

/** The one line of LIST about the file `path`; undefined when the server shows none, "unclear" when it shows something else. */
export async function listFile(state: FtpState, path: string): Promise<RemoteEntry | "unclear" | undefined> {
  try {
    const listed = read(state, await text(state, `LIST ${path}`, path));
    const [entry, ...others] = listed.filter(({ name }) => nameOf(name) === nameOf(path));
    return others.length > 0 ? "unclear" : entry && { ...entry, name: nameOf(path) };
  } catch (error) {
    if (error instanceof AgentError && error.code === "FERRY_REMOTE_NOT_FOUND") return undefined;
    // Refused, or words of complaint instead of a listing.
    if (isRefused(error) || (error instanceof AgentError && error.code === "FERRY_LISTING_UNREADABLE"))
      return "unclear";
    throw error;
  }
}

function read({ definition, clock }: FtpState, listed: string): readonly RemoteEntry[] {
  return parseList(listed, { format: definition.dateFormat, zone: definition.serverTimeZone, now: clock.now() });
}

async function text(state: FtpState, command: string, subject: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  const sink = {
    async write(chunk: Buffer): Promise<void> {
      length += chunk.length;
      if (length > LARGEST_LISTING)
        throw new AgentError("FERRY_LIMIT", `${subject}: the listing is larger than 64 MiB`);
      chunks.push(chunk);
    },
  };
  const { clock, definition } = state;
  const pump = downloadPump(sink, { clock, subject, stallMs: definition.timeout.stall, onBytes: undefined });
  try {
    const reply = await transfer(state, command, subject, pump);
    // vsftpd: "226 Transfer done (but failed to open directory)". An empty list would be a lie.
    if (length === 0 && /failed to open|permission|denied|cannot|unable/i.test(reply.message)) {
      throw new AgentError("FERRY_REMOTE_REFUSED", `${subject}: the server could not read it`, {
        cause: reply.message,
      });
    }
  } catch (error) {
    // An empty folder is an error to some: `450 No files found`.
    if (error instanceof AgentError && /\bno files\b/i.test(error.causeText ?? "")) return "";
    throw error;
  }
  return Buffer.concat(chunks).toString("utf8");
}

function isRefused(error: unknown): boolean {
  return (
    error instanceof AgentError &&
    /^FERRY_(?:REMOTE|SERVER)_/.test(error.code) &&
    error.code !== "FERRY_SERVER_DISK_FULL"
  );
}

function isUnknown(error: unknown): boolean {
  return error instanceof AgentError && error.code === "FERRY_SERVER_REFUSED" && /^50[024]/.test(error.causeText ?? "");
}
