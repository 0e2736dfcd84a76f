import { constants } from "node:fs";
import { chmod, lstat, mkdir, rename, rmdir, stat, truncate, unlink, utimes } from "node:fs/promises";
import ssh2, { type Attributes, type SFTPWrapper } from "ssh2";
import { type Folder, fault, moveToFree, openFile } from "../folder.js";
import { type Answer, attributesOf, nameOf, ok, refusal, send, status } from "./answers.js";
import { posixRename, renamePaths } from "./extensions.js";
import { type Handles, openHandles } from "./handles.js";

const { STATUS_CODE, OPEN_MODE } = ssh2.utils.sftp;
const largestRead = 256 * 1024;

/** Answers the requests of one SFTP channel, in the order in which they come. */
export function serveRequests(channel: SFTPWrapper, folder: Folder, log: (line: string) => void): void {
  const handles = openHandles();
  let turn: Promise<void> = Promise.resolve();
  const inTurn = (request: string, id: number, work: () => Promise<Answer>): void => {
    if (!/^(READ|WRITE) /.test(request)) log(`< ${request}`); // a large file has thousands of those
    turn = turn
      .then(work)
      .catch(refusal)
      .then((answer) => {
        if (answer.kind === "status" && answer.code > STATUS_CODE.EOF) log(`> ${request}: ${answer.text}`);
        send(channel, id, answer);
      });
  };
  channel.on("close", () => void turn.then(() => handles.closeAll()));
  channel.on("end", () => channel.end());
  serveFiles(channel, folder, handles, inTurn);
  serveNames(channel, folder, handles, inTurn);
}

type InTurn = (request: string, id: number, work: () => Promise<Answer>) => void;

/** Requests about what is open. */
function serveFiles(channel: SFTPWrapper, folder: Folder, handles: Handles, inTurn: InTurn): void {
  channel.on("OPEN", (id, path, flags, attributes) =>
    inTurn(`OPEN ${path}`, id, async () => {
      const file = await openFile(await realOf(folder, path), openFlags(flags), mode(attributes));
      return { kind: "handle", handle: handles.add({ kind: "file", file }) };
    }),
  );
  channel.on("READ", (id, handle, offset, length) =>
    inTurn("READ ", id, async () => {
      const buffer = Buffer.allocUnsafe(Math.min(length, largestRead));
      const { bytesRead } = await handles.file(handle).read(buffer, 0, buffer.length, offset);
      return bytesRead === 0
        ? status(STATUS_CODE.EOF, "end of file")
        : { kind: "data", data: buffer.subarray(0, bytesRead) };
    }),
  );
  channel.on("WRITE", (id, handle, offset, data) =>
    inTurn("WRITE ", id, async () => {
      for (let done = 0; done < data.length; ) {
        done += (await handles.file(handle).write(data, done, data.length - done, offset + done)).bytesWritten;
      }
      return ok;
    }),
  );
  channel.on("FSTAT", (id, handle) => inTurn("FSTAT", id, async () => attributesOf(await handles.file(handle).stat())));
  channel.on("FSETSTAT", (id, handle, attributes) =>
    inTurn("FSETSTAT", id, async () => {
      const file = handles.file(handle);
      if (attributes.size !== undefined) await file.truncate(attributes.size);
      if (attributes.mode !== undefined) await file.chmod(mode(attributes));
      if (attributes.mtime !== undefined) await file.utimes(attributes.atime, attributes.mtime);
      return ok;
    }),
  );
  channel.on("CLOSE", (id, handle) => inTurn("CLOSE", id, () => handles.close(handle).then(() => ok)));
  channel.on("READDIR", (id, handle) =>
    inTurn("READDIR", id, async () => {
      const batch = handles.directory(handle).splice(0, 100);
      return batch.length === 0
        ? status(STATUS_CODE.EOF, "end of directory")
        : { kind: "names", names: batch.map(nameOf) };
    }),
  );
}

/** Requests about paths. */
function serveNames(channel: SFTPWrapper, folder: Folder, handles: Handles, inTurn: InTurn): void {
  /** Links that lead out are refused before they are followed; of others the target is told. */
  const statPath = async (path: string): Promise<Answer> => attributesOf(await stat(await realOf(folder, path)));
  const change = (name: string, path: string, id: number, work: (place: string) => Promise<unknown>): void =>
    inTurn(`${name} ${path}`, id, async () => {
      if (folder.absolute(path) === "/") throw fault("EACCES");
      await work(await placeOf(folder, path));
      return ok;
    });
  channel.on("STAT", (id, path) => inTurn(`STAT ${path}`, id, () => statPath(path)));
  channel.on("LSTAT", (id, path) =>
    inTurn(`LSTAT ${path}`, id, async () => attributesOf(await lstat(await placeOf(folder, path)))),
  );
  channel.on("SETSTAT", (id, path, attributes) =>
    inTurn(`SETSTAT ${path}`, id, async () => {
      const place = await realOf(folder, path);
      if (attributes.size !== undefined) await truncate(place, attributes.size);
      if (attributes.mode !== undefined) await chmod(place, mode(attributes));
      if (attributes.mtime !== undefined) await utimes(place, attributes.atime, attributes.mtime);
      return ok;
    }),
  );
  channel.on("OPENDIR", (id, path) =>
    inTurn(`OPENDIR ${path}`, id, async () => {
      const left = [...(await folder.entries(folder.absolute(path)))];
      return { kind: "handle", handle: handles.add({ kind: "directory", left }) };
    }),
  );
  channel.on("REALPATH", (id, path) =>
    inTurn(`REALPATH ${path}`, id, async () => {
      const filename = folder.absolute(path);
      // No attributes are known here, which ssh2 allows and its types do not.
      return { kind: "names", names: [{ filename, longname: filename, attrs: {} as Attributes }] };
    }),
  );
  channel.on("REMOVE", (id, path) => change("REMOVE", path, id, unlink));
  channel.on("RMDIR", (id, path) => change("RMDIR", path, id, rmdir));
  channel.on("MKDIR", (id, path) => change("MKDIR", path, id, (place) => mkdir(place)));
  channel.on("RENAME", (id, from, to) =>
    change(`RENAME ${from}`, to, id, async (place) => moveToFree(await placeOf(folder, from), place)),
  );
  channel.on("EXTENDED", (id, name, data) => {
    if (name !== posixRename) return channel.status(id, STATUS_CODE.OP_UNSUPPORTED, `${name} is not supported`);
    return inTurn(posixRename, id, async () => {
      const [from, to] = renamePaths(data);
      await rename(await placeOf(folder, from), await placeOf(folder, to));
      return ok;
    });
  });
}

function realOf(folder: Folder, path: string): Promise<string> {
  return folder.real(folder.absolute(path));
}

function placeOf(folder: Folder, path: string): Promise<string> {
  return folder.place(folder.absolute(path));
}

function openFlags(asked: number): number {
  const has = (flag: number): boolean => (asked & flag) !== 0;
  const access = has(OPEN_MODE.WRITE)
    ? has(OPEN_MODE.READ)
      ? constants.O_RDWR
      : constants.O_WRONLY
    : constants.O_RDONLY;
  return (
    access |
    (has(OPEN_MODE.APPEND) ? constants.O_APPEND : 0) |
    (has(OPEN_MODE.CREAT) ? constants.O_CREAT : 0) |
    (has(OPEN_MODE.TRUNC) ? constants.O_TRUNC : 0) |
    (has(OPEN_MODE.EXCL) ? constants.O_EXCL : 0)
  );
}

/** Permissions that a client asked for, without set-uid and the like. Absent attributes are undefined, whatever ssh2's types say. */
function mode(attributes: Partial<Attributes>): number {
  return (attributes.mode ?? 0o644) & 0o777;
}
