import { posix } from "node:path";
import type { Transcript } from "../../base/transcript.js";
import type { RemoteSession, SessionFacts } from "../session.js";
import { listFolder, makeFolders, statEntry } from "./folders.js";
import { readFile } from "./reader.js";
import { orNotFound, renameTo } from "./rename.js";
import type { Requests } from "./requests.js";
import { type TransferContext, writeFile } from "./writer.js";

export interface SessionParts {
  readonly number: number;
  readonly facts: SessionFacts;
  /** The absolute folder that relative paths start at. */
  readonly base: string;
  readonly transfer: TransferContext;
  readonly transcript: Transcript;
  close(): Promise<void>;
}

export function sftpSession({ number, facts, base, transfer, transcript, close }: SessionParts): RemoteSession {
  const { requests, lifeline } = transfer;
  const at = (path: string): string =>
    path === "." ? base : posix.isAbsolute(path) ? path : `${base === "/" ? "" : base}/${path}`;
  return {
    number,
    facts,
    get alive() {
      return lifeline.alive;
    },
    absolute: at,
    list: (directory) => listFolder(requests, at(directory)),
    stat: (path) => statEntry(requests, at(path)),
    async size(path) {
      const { size } = await requests.stat(at(path));
      return size === undefined ? undefined : { bytes: size, by: "size" };
    },
    upload: (source, path, options) => writeFile(transfer, source, at(path), options),
    download: (path, sink, options) => readFile(transfer, at(path), sink, options),
    rename: (from, to, options) => renameTo(requests, at(from), at(to), options?.replace === true, transcript),
    async remove(path) {
      await explained(requests, at(path), () => requests.remove(at(path)));
      return "REMOVE OK";
    },
    makeDirectory: (path) => makeFolders(requests, at(path)),
    removeDirectory: (path) => explained(requests, at(path), () => requests.rmdir(at(path))),
    async setModifiedAt(path, time) {
      // The protocol sets both times or none; the time of the last access shall not change.
      const { atime } = await requests.stat(at(path));
      const seconds = Math.floor(time.getTime() / 1000);
      await requests.setTimes(at(path), atime ?? seconds, seconds);
    },
    close,
  };
}

async function explained(requests: Requests, path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw await orNotFound(requests, error, path);
  }
}
