import { AgentError } from "../base/errors.js";
import { isSafeName, safeRemotePath, visible } from "../base/names.js";
import type { Transcript } from "../base/transcript.js";
import type { RemoteEntry, RemoteSession } from "./session.js";

const MOST_ENTRIES = 1_000_000;
const DEEPEST = 100;

/**
 * The gate between a driver and the rest. No path with a control character reaches a command, no name that a server
 * made up reaches a path, and no listing is without an end. A name that is not accepted is listed as `other`, in a
 * spelling that cannot be used as a path, with a note in the transcript: one odd file must not block its folder.
 */
export function guarded(session: RemoteSession, transcript: Transcript): RemoteSession {
  return {
    ...session,
    // A spread copies a getter's value of this moment; these two change.
    get alive() {
      return session.alive;
    },
    get facts() {
      return session.facts;
    },
    absolute: (path) => session.absolute(safePath(path)),
    list: async (directory) => accepted(await session.list(safePath(directory)), directory, transcript),
    stat: async (path) => session.stat(safePath(path)),
    size: async (path) => session.size(safePath(path)),
    upload: async (source, path, options) => session.upload(source, safePath(path), options),
    download: async (path, sink, options) => session.download(safePath(path), sink, options),
    rename: async (from, to, options) => session.rename(safePath(from), safePath(to), options),
    remove: async (path) => session.remove(safePath(path)),
    makeDirectory: async (path) => session.makeDirectory(safePath(path)),
    removeDirectory: async (path) => session.removeDirectory(safePath(path)),
    ...(session.setModifiedAt && {
      setModifiedAt: async (path: string, time: Date) => session.setModifiedAt?.(safePath(path), time),
    }),
  };
}

/** Fails when a listing has more entries than any honest folder. Drivers call it while they read. */
export function checkListingSize(count: number, directory: string): void {
  if (count > MOST_ENTRIES)
    throw new AgentError(
      "FERRY_LIMIT",
      `${directory}: the server lists more than ${MOST_ENTRIES.toLocaleString("en")} entries`,
    );
}

function safePath(path: string): string {
  if (path.split("/").length > DEEPEST)
    throw new AgentError("FERRY_LIMIT", `a path of more than ${DEEPEST} folders: "${visible(path.slice(0, 80))}…"`);
  return safeRemotePath(path);
}

function accepted(entries: readonly RemoteEntry[], directory: string, transcript: Transcript): readonly RemoteEntry[] {
  checkListingSize(entries.length, directory);
  return entries.map((entry) => {
    if (isAccepted(entry.name)) return entry;
    const shown = visible(entry.name.replace(/[/\\]/g, (separator) => `\\u{${separator.charCodeAt(0).toString(16)}}`));
    transcript.note(`the name "${shown}" in ${directory} is refused`);
    return { ...entry, name: shown, type: "other" };
  });
}

/** U+FFFD stands for bytes that are not UTF-8: such a name could not be sent back as it is. */
function isAccepted(name: string): boolean {
  return isSafeName(name) && name !== "." && name !== ".." && !/[/\\\ufffd]/.test(name);
}
