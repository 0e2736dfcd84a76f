import { constants } from "node:fs";
import { type FileHandle, link, lstat, open, readdir, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { AgentError, systemCode } from "../../base/errors.js";
import type { ByteSink, RemoteEntry, TransferOptions, TransferReceipt } from "../session.js";
import { during, type Life, mustBeAlive } from "./life.js";

const { O_WRONLY, O_RDONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
const READ_SIZE = 1024 * 1024;

/** Writes and syncs the file. A link in its place is refused, not followed. */
export async function writeFile(
  source: AsyncIterable<Buffer>,
  place: string,
  life: Life,
  options: TransferOptions = {},
): Promise<TransferReceipt> {
  const from = options.from ?? 0;
  const file = await open(place, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | (from > 0 ? 0 : O_CREAT | O_TRUNC), 0o666);
  let bytes = 0;
  try {
    await mustBeFile(file, place);
    if (from > 0) await cutTo(file, place, from);
    for await (const chunk of watched(source, life)) {
      await writeWhole(file, chunk, from + bytes);
      bytes += chunk.length;
      options.onBytes?.(chunk.length);
    }
    mustBeAlive(life);
    await file.sync();
    const { size } = await file.stat();
    if (size !== from + bytes)
      throw new AgentError("FERRY_SIZE_MISMATCH", `${place}: ${from + bytes} bytes were written, and it has ${size}`);
  } finally {
    await file.close();
  }
  await syncFolder(dirname(place));
  return { bytes, reply: "written and synced" };
}

/** A generator that returns early would wait for a source that hangs; so the iterator is asked by hand. */
async function* watched(source: AsyncIterable<Buffer>, life: Life): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  let exhausted = false;
  try {
    for (;;) {
      const next = await during(life, () => iterator.next());
      exhausted = next.done === true;
      if (exhausted) return;
      yield next.value;
    }
  } finally {
    if (!exhausted) void iterator.return?.()?.catch(() => {});
  }
}

async function writeWhole(file: FileHandle, chunk: Buffer, at: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, at + done);
    done += bytesWritten;
  }
}

async function cutTo(file: FileHandle, place: string, from: number): Promise<void> {
  const { size } = await file.stat();
  if (size < from)
    throw new AgentError("FERRY_SIZE_MISMATCH", `cannot go on with ${place} from byte ${from}: it has ${size} bytes`);
  await file.truncate(from);
}

/** Reads to the end, which may not come before the size that the file had at the beginning. */
export async function readFile(
  place: string,
  sink: ByteSink,
  life: Life,
  options: TransferOptions = {},
): Promise<TransferReceipt> {
  const from = options.from ?? 0;
  const file = await open(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const { size } = await mustBeFile(file, place);
    if (from > size)
      throw new AgentError("FERRY_SIZE_MISMATCH", `cannot read ${place} from byte ${from}: it has ${size} bytes`);
    let at = from;
    for (;;) {
      mustBeAlive(life);
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(READ_SIZE), 0, READ_SIZE, at);
      if (bytesRead === 0) break;
      await during(life, () => sink.write(buffer.subarray(0, bytesRead)));
      at += bytesRead;
      options.onBytes?.(bytesRead);
    }
    if (at < size) throw new AgentError("FERRY_SIZE_MISMATCH", `${place}: it had ${size} bytes, and ended at ${at}`);
    return { bytes: at - from, reply: "read to the end" };
  } finally {
    await file.close();
  }
}

async function mustBeFile(file: FileHandle, place: string) {
  const found = await file.stat();
  if (!found.isFile()) throw new AgentError("FERRY_NOT_A_FILE", `${place} is not a regular file`);
  return found;
}

export async function listFolder(place: string): Promise<readonly RemoteEntry[]> {
  // Names as bytes: one that is not UTF-8 must be seen, and is refused by its replacement characters.
  const names = await readdir(place, { encoding: "buffer" });
  const entries = await Promise.all(
    names.map((name) => entryAt(Buffer.concat([Buffer.from(`${place}/`), name]), name.toString("utf8"))),
  );
  return entries.filter((entry) => entry !== undefined);
}

/** Undefined when it is gone: between the listing and the look at it, too. */
export async function entryAt(place: Buffer | string, name: string): Promise<RemoteEntry | undefined> {
  try {
    const found = await lstat(place);
    const type = found.isFile()
      ? "file"
      : found.isDirectory()
        ? "directory"
        : found.isSymbolicLink()
          ? "link"
          : "other";
    return { name, type, size: found.size, modifiedAt: found.mtime };
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Moves a file. `link` fails when the target exists, in one step; `rename` would overwrite it. */
export async function move(from: string, to: string, replace: boolean): Promise<void> {
  if (replace) await rename(from, to);
  else await linkAway(from, to);
  await syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) await syncFolder(dirname(from));
}

async function linkAway(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!UNLINKABLE.has(systemCode(error) ?? "")) throw error;
    // Folders and some shares cannot be linked: then a look has to do.
    if (await entryAt(to, ""))
      throw new AgentError("FERRY_TARGET_EXISTS", `cannot rename ${from} to ${to}: it exists already`);
    return rename(from, to);
  }
  await unlink(from);
}

const UNLINKABLE = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** A name is on the disk only when its folder is. Some shares cannot sync a folder. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, O_RDONLY);
  try {
    await handle.sync();
  } catch (error) {
    if (!["EINVAL", "ENOTSUP", "EBADF"].includes(systemCode(error) ?? "")) throw error;
  } finally {
    await handle.close();
  }
}
