import type { Stats } from "node:fs";
import ssh2, { type Attributes, type FileEntry, type SFTPWrapper } from "ssh2";
import { type Entry, explain, type Fault } from "../folder.js";
import { longLine } from "../listing.js";

const { STATUS_CODE } = ssh2.utils.sftp;

/** What a request is answered with. */
export type Answer =
  | { readonly kind: "status"; readonly code: number; readonly text: string }
  | { readonly kind: "handle"; readonly handle: Buffer }
  | { readonly kind: "data"; readonly data: Buffer }
  | { readonly kind: "names"; readonly names: FileEntry[] }
  | { readonly kind: "attributes"; readonly attributes: Attributes };

export function nameOf({ name, stats }: Entry): FileEntry {
  return { filename: name, longname: longLine({ name, stats }), attrs: wire(stats) };
}

export function attributesOf(stats: Stats): Answer {
  return { kind: "attributes", attributes: wire(stats) };
}

function wire({ mode, uid, gid, size, atimeMs, mtimeMs }: Stats): Attributes {
  return { mode, uid, gid, size, atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) };
}

export function status(code: number, text: string): Answer {
  return { kind: "status", code, text };
}

export const ok = status(STATUS_CODE.OK, "done");

const codes: Readonly<Record<Fault, number>> = {
  missing: STATUS_CODE.NO_SUCH_FILE,
  refused: STATUS_CODE.PERMISSION_DENIED,
  exists: STATUS_CODE.FAILURE,
  other: STATUS_CODE.FAILURE,
};

export function refusal(error: unknown): Answer {
  const reason = explain(error);
  return status(codes[reason.fault], reason.text);
}

export function send(channel: SFTPWrapper, id: number, answer: Answer): void {
  if (answer.kind === "status") channel.status(id, answer.code, answer.text);
  else if (answer.kind === "handle") channel.handle(id, answer.handle);
  else if (answer.kind === "data") channel.data(id, answer.data);
  else if (answer.kind === "names") channel.name(id, answer.names);
  else channel.attrs(id, answer.attributes);
}
