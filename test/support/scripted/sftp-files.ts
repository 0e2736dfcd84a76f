import { posix } from "node:path";
import type { Attributes, FileEntry } from "ssh2";
import ssh2 from "ssh2";
import { type Tree, type TreeEntry, treeEpoch } from "./tree.js";

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

/** One SFTP request, as a script sees it. */
export interface SftpRequest {
  /** In capitals as the protocol has it: OPEN, WRITE, RENAME …; of extensions POSIX-RENAME and FSYNC. */
  readonly name: string;
  /** Absolute. Of a request on a handle, the path that was opened. */
  readonly path: string;
  /** RENAME, POSIX-RENAME. */
  readonly to?: string;
  /** READ, WRITE. */
  readonly offset?: number;
  readonly length?: number;
  readonly data?: Buffer;
  /** OPEN. */
  readonly flags?: number;
  readonly attributes?: Partial<Attributes>;
  readonly handle?: number;
  /** 1 for the first request of this name that the server got, over all sessions. */
  readonly occurrence: number;
}

export type SftpResponse =
  | { readonly status: number }
  | { readonly handle: number }
  | { readonly data: Buffer }
  | { readonly names: FileEntry[] }
  | { readonly attributes: Attributes };

/** An open file or folder. The content grows by doubling, so that a large upload is not copied for every packet. */
interface Handle {
  readonly path: string;
  content: Buffer;
  size: number;
  readonly writable: boolean;
  unread: FileEntry[] | undefined;
}

export interface SftpBehaviour {
  /** RENAME onto an existing file replaces it, as some servers do; OpenSSH refuses with FAILURE. */
  readonly renameReplaces: boolean;
  /** A partner takes every file away in the moment it is renamed. */
  readonly takenAtOnce: boolean;
}

/** The open handles of one session, each with its path. */
export interface SftpFiles {
  pathOf(handle: number): string;
  /** Does what the request asks, as a well-behaved server, and returns the response without sending it. */
  perform(request: SftpRequest): SftpResponse;
}

type Act = (request: SftpRequest) => SftpResponse;

const ok: SftpResponse = { status: STATUS_CODE.OK };
const failure: SftpResponse = { status: STATUS_CODE.FAILURE };
const absent: SftpResponse = { status: STATUS_CODE.NO_SUCH_FILE };
const unsupported: SftpResponse = { status: STATUS_CODE.OP_UNSUPPORTED };

export function sftpFiles(tree: Tree, behaviour: SftpBehaviour): SftpFiles {
  const handles = new Map<number, Handle>();
  let lastHandle = 0;
  const opened = (handle: Handle): SftpResponse => {
    lastHandle += 1;
    handles.set(lastHandle, handle);
    return { handle: lastHandle };
  };
  const onHandle = (act: (handle: Handle, request: SftpRequest) => SftpResponse): Act => {
    return (request) => {
      const handle = handles.get(request.handle ?? 0);
      return handle ? act(handle, request) : failure;
    };
  };
  const stat: Act = ({ path }) => attributesOf(tree.entry(path));
  const acts: Readonly<Record<string, Act>> = {
    ...{ ...folderActs(tree), ...renameActs(tree, behaviour) },
    ...{ STAT: stat, LSTAT: stat, FSTAT: stat, FSYNC: () => ok },
    OPEN: (request) => openFile(tree, request, opened),
    READ: onHandle(read),
    WRITE: onHandle((handle, request) => write(tree, handle, request)),
    SETSTAT: (request) => setAttributes(tree, request),
    FSETSTAT: (request) => setAttributes(tree, request),
    OPENDIR: ({ path }) => {
      if (tree.entry(path)?.kind !== "folder") return absent;
      return opened({
        path,
        content: Buffer.alloc(0),
        size: 0,
        writable: false,
        unread: tree.children(path).map(fileEntry),
      });
    },
    READDIR: onHandle((handle) => {
      const names = handle.unread ?? [];
      handle.unread = [];
      return names.length > 0 ? { names } : { status: STATUS_CODE.EOF };
    }),
    CLOSE: onHandle((handle, request) => {
      handles.delete(request.handle ?? 0);
      if (handle.writable && tree.files.has(handle.path))
        tree.write(handle.path, handle.content.subarray(0, handle.size));
      return ok;
    }),
    REMOVE: ({ path }) => (tree.remove(path) ? ok : absent),
  };
  return {
    pathOf: (handle) => handles.get(handle)?.path ?? "?",
    perform: (request) => acts[request.name]?.(request) ?? unsupported,
  };
}

function folderActs(tree: Tree): Record<string, Act> {
  return {
    REALPATH: ({ path }) => ({ names: [{ filename: path, longname: path, attrs: attributes(tree.entry(path)) }] }),
    MKDIR: ({ path }) => {
      if (tree.entry(path)) return failure;
      if (tree.entry(posix.dirname(path))?.kind !== "folder") return absent;
      tree.folders.add(path);
      return ok;
    },
    RMDIR: ({ path }) => {
      if (tree.entry(path)?.kind !== "folder") return absent;
      if (tree.children(path).length > 0) return failure;
      tree.folders.delete(path);
      return ok;
    },
  };
}

function renameActs(tree: Tree, { renameReplaces, takenAtOnce }: SftpBehaviour): Record<string, Act> {
  const rename = ({ path, to = "" }: SftpRequest, replace: boolean): SftpResponse => {
    if (tree.entry(to) && !replace) return failure;
    if (tree.entry(posix.dirname(to))?.kind !== "folder" || !tree.rename(path, to)) return absent;
    if (takenAtOnce) tree.remove(to);
    return ok;
  };
  return { RENAME: (request) => rename(request, renameReplaces), "POSIX-RENAME": (request) => rename(request, true) };
}

function openFile(
  tree: Tree,
  { path, flags = 0 }: SftpRequest,
  opened: (handle: Handle) => SftpResponse,
): SftpResponse {
  const known = tree.entry(path);
  const exclusive = (flags & OPEN_MODE.EXCL) !== 0;
  if (known?.kind === "folder" || (known && exclusive)) return failure;
  if (!known && (flags & OPEN_MODE.CREAT) === 0) return absent;
  if (tree.entry(posix.dirname(path))?.kind !== "folder") return absent;
  const truncated = !known || (flags & OPEN_MODE.TRUNC) !== 0;
  const content = truncated ? Buffer.alloc(0) : Buffer.from(tree.files.get(path) ?? "");
  if (truncated) tree.write(path, content);
  return opened({ path, content, size: content.length, writable: (flags & OPEN_MODE.WRITE) !== 0, unread: undefined });
}

function read(handle: Handle, { offset = 0, length = 0 }: SftpRequest): SftpResponse {
  const data = handle.content.subarray(offset, Math.min(offset + length, handle.size));
  return data.length > 0 ? { data } : { status: STATUS_CODE.EOF };
}

function write(tree: Tree, handle: Handle, { offset = 0, data = Buffer.alloc(0) }: SftpRequest): SftpResponse {
  if (!handle.writable) return { status: STATUS_CODE.PERMISSION_DENIED };
  const end = offset + data.length;
  if (end > handle.content.length) {
    const larger = Buffer.alloc(Math.max(end, handle.content.length * 2));
    handle.content.copy(larger);
    handle.content = larger;
  }
  data.copy(handle.content, offset);
  handle.size = Math.max(handle.size, end);
  // Visible while it grows, unless somebody has renamed or removed it meanwhile.
  if (tree.files.has(handle.path)) tree.files.set(handle.path, handle.content.subarray(0, handle.size));
  return ok;
}

function setAttributes(tree: Tree, { path, attributes: wanted }: SftpRequest): SftpResponse {
  const content = tree.files.get(path);
  if (!tree.entry(path)) return absent;
  if (content && wanted?.size !== undefined)
    tree.write(path, Buffer.concat([content, Buffer.alloc(wanted.size)], wanted.size));
  if (wanted?.mtime !== undefined) tree.modified.set(path, new Date(wanted.mtime * 1000));
  return ok;
}

function attributesOf(entry: TreeEntry | undefined): SftpResponse {
  return entry ? { attributes: attributes(entry) } : absent;
}

function attributes(entry: TreeEntry | undefined): Attributes {
  const time = Math.floor((entry?.modified ?? treeEpoch).getTime() / 1000);
  const mode = entry?.kind === "file" ? 0o100644 : 0o040755;
  return { mode, uid: 0, gid: 0, size: entry?.size ?? 0, atime: time, mtime: time };
}

function fileEntry(entry: TreeEntry): FileEntry {
  const mode = entry.kind === "file" ? "-rw-r--r--" : "drwxr-xr-x";
  const longname = `${mode} 1 ferry ferry ${entry.size} Jan  2  2026 ${entry.name}`;
  return { filename: entry.name, longname, attrs: attributes(entry) };
}
