import { posix } from "node:path";
import type { Attributes, SFTPWrapper } from "ssh2";
import type { SftpFiles, SftpRequest, SftpResponse } from "./sftp-files.js";

/**
 * What becomes of a request: a number is sent as the status and nothing is done; undefined is the usual.
 * "ignore" leaves this request unanswered, "hang" this one and all that follow; "cut" and "reset" end the connection
 * with FIN or RST; "do-and-cut" and "do-and-ignore" do the work first, so that only the reply is lost.
 */
export type SftpOutcome = number | "ignore" | "hang" | "cut" | "reset" | "do-and-cut" | "do-and-ignore" | undefined;
export type SftpHook = SftpOutcome | ((request: SftpRequest) => SftpOutcome | Promise<SftpOutcome>);

export interface SftpWorld {
  hook(name: string): SftpHook;
  readonly posixRename: boolean;
  /** Notes the request and says which of its name it is. */
  received(name: string, line: string): number;
}

type Details = Omit<SftpRequest, "name" | "occurrence" | "path"> & { readonly path?: string };

/** Serves one SFTP channel; requests are answered in order. `end` cuts the connection below it. */
export function serveSftp(
  sftp: SFTPWrapper,
  files: SftpFiles,
  world: SftpWorld,
  end: (how: "fin" | "rst") => void,
): void {
  let turn: Promise<void> = Promise.resolve();
  if (world.posixRename) announceExtensions(sftp);

  const take = (id: number, name: string, details: Details) => {
    turn = turn.then(() => serve(id, name, details)).catch((failure: unknown) => sftp.status(id, 4, String(failure)));
  };
  const serve = async (id: number, name: string, details: Details) => {
    const path = details.path === undefined ? files.pathOf(details.handle ?? 0) : posix.resolve("/", details.path);
    const to = details.to === undefined ? {} : { to: posix.resolve("/", details.to) };
    const range = details.offset === undefined ? undefined : `${details.offset}+${details.length}`;
    const occurrence = world.received(name, [name, path, to.to, range].filter((part) => part !== undefined).join(" "));
    const request: SftpRequest = { ...details, ...to, name, path, occurrence };
    const hook = world.hook(name);
    const outcome = typeof hook === "function" ? await hook(request) : hook;
    if (outcome === "hang") await new Promise(() => {});
    else if (outcome === "cut") end("fin");
    else if (outcome === "reset") end("rst");
    else if (typeof outcome === "number") sftp.status(id, outcome);
    else if (outcome !== "ignore") {
      const response = files.perform(request);
      if (outcome === "do-and-cut") end("rst");
      else if (outcome === undefined) send(sftp, id, response);
    }
  };
  listen(sftp, take);
}

function listen(sftp: SFTPWrapper, take: (id: number, name: string, details: Details) => void): void {
  const onPath = ["OPENDIR", "LSTAT", "STAT", "REMOVE", "RMDIR", "REALPATH", "READLINK"] as const;
  const onHandle = ["FSTAT", "CLOSE", "READDIR"] as const;
  for (const name of onPath) sftp.on(name as "STAT", (id, path) => take(id, name, { path }));
  for (const name of onHandle) sftp.on(name as "FSTAT", (id, handle) => take(id, name, { handle: number(handle) }));
  sftp.on("OPEN", (id, path, flags, attributes) => take(id, "OPEN", { path, flags, attributes }));
  sftp.on("READ", (id, handle, offset, length) => take(id, "READ", { handle: number(handle), offset, length }));
  sftp.on("WRITE", (id, handle, offset, data) => {
    // ssh2 reuses the packet's memory as soon as this listener returns.
    take(id, "WRITE", { handle: number(handle), offset, length: data.length, data: Buffer.from(data) });
  });
  sftp.on("FSETSTAT", (id, handle, attributes: Attributes) =>
    take(id, "FSETSTAT", { handle: number(handle), attributes }),
  );
  sftp.on("SETSTAT", (id, path, attributes) => take(id, "SETSTAT", { path, attributes }));
  sftp.on("MKDIR", (id, path) => take(id, "MKDIR", { path }));
  sftp.on("RENAME", (id, path, to) => take(id, "RENAME", { path, to }));
  sftp.on("EXTENDED", (id, name, data) => {
    const [first = Buffer.alloc(0), second] = strings(data);
    if (name === "posix-rename@openssh.com") take(id, "POSIX-RENAME", { path: String(first), to: String(second) });
    else if (name === "fsync@openssh.com") take(id, "FSYNC", { handle: number(first) });
    else sftp.status(id, 8);
  });
}

function send(sftp: SFTPWrapper, id: number, response: SftpResponse): void {
  if ("status" in response) sftp.status(id, response.status);
  else if ("data" in response) sftp.data(id, response.data);
  else if ("names" in response) sftp.name(id, response.names);
  else if ("attributes" in response) sftp.attrs(id, response.attributes);
  else {
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(response.handle);
    sftp.handle(id, handle);
  }
}

function number(handle: Buffer): number {
  return handle.length === 4 ? handle.readUInt32BE() : 0;
}

/** The strings of a packet, each with its length in front. */
function strings(data: Buffer): Buffer[] {
  if (data.length < 4) return [];
  const end = 4 + data.readUInt32BE();
  return [data.subarray(4, end), ...strings(data.subarray(end))];
}

/** ssh2's server announces no extensions and has no option for it, so its VERSION packet is replaced on the way out. */
function announceExtensions(sftp: SFTPWrapper): void {
  const { _protocol: protocol } = sftp as unknown as { _protocol: { channelData(id: number, data: Buffer): unknown } };
  const original = protocol.channelData;
  protocol.channelData = function channelData(id) {
    protocol.channelData = original;
    return original.call(this, id, versionWithExtensions());
  };
}

function versionWithExtensions(): Buffer {
  const pairs = ["posix-rename@openssh.com", "1", "fsync@openssh.com", "1"];
  const texts = pairs.flatMap((text) => [length(text.length), Buffer.from(text)]);
  const body = Buffer.concat([Buffer.of(2), length(3), ...texts]);
  return Buffer.concat([length(body.length), body]);
}

function length(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
