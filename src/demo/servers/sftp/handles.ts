import type { FileHandle } from "node:fs/promises";
import { type Entry, fault } from "../folder.js";

/** What a client has open: a file, or a directory whose entries it is reading. */
type Opened =
  | { readonly kind: "file"; readonly file: FileHandle }
  | { readonly kind: "directory"; readonly left: Entry[] };

/** The handles of one channel, known to the client by a number in four bytes. */
export interface Handles {
  add(opened: Opened): Buffer;
  file(handle: Buffer): FileHandle;
  directory(handle: Buffer): Entry[];
  close(handle: Buffer): Promise<void>;
  closeAll(): Promise<void>;
}

const most = 256;

export function openHandles(): Handles {
  const open = new Map<string, Opened>();
  let last = 0;
  const find = (handle: Buffer): Opened => {
    const found = open.get(handle.toString("hex"));
    if (found === undefined) throw fault("EBADF");
    return found;
  };
  const shut = async (opened: Opened): Promise<void> => {
    if (opened.kind === "file") await opened.file.close();
  };
  return {
    add(opened) {
      if (open.size >= most) {
        void shut(opened);
        throw fault("EMFILE");
      }
      const handle = Buffer.alloc(4);
      handle.writeUInt32BE(++last);
      open.set(handle.toString("hex"), opened);
      return handle;
    },
    file(handle) {
      const found = find(handle);
      if (found.kind !== "file") throw fault("EISDIR");
      return found.file;
    },
    directory(handle) {
      const found = find(handle);
      if (found.kind !== "directory") throw fault("ENOTDIR");
      return found.left;
    },
    async close(handle) {
      const found = find(handle);
      open.delete(handle.toString("hex"));
      await shut(found);
    },
    async closeAll() {
      const all = [...open.values()];
      open.clear();
      await Promise.all(all.map(shut));
    },
  };
}
