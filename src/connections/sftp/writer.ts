import type { SFTPWrapper } from "ssh2";
import { AgentError } from "../../base/errors.js";
import type { TransferOptions, TransferReceipt } from "../session.js";
import { requestSizes } from "./library.js";
import type { Handle, Requests } from "./requests.js";
import { refused } from "./status.js";
import { openWindow, type Window, type WindowContext } from "./window.js";

export interface TransferContext extends WindowContext {
  readonly sftp: SFTPWrapper;
  readonly requests: Requests;
}

/**
 * Writes `source` to `path`, in order, many requests at a time. Resolves when every WRITE was acknowledged, the file is
 * on the server's disk where it can tell (fsync), its size is right, and its CLOSE was confirmed.
 */
export async function writeFile(
  context: TransferContext,
  source: AsyncIterable<Buffer>,
  path: string,
  options: TransferOptions = {},
): Promise<TransferReceipt> {
  const { requests } = context;
  try {
    const handle = await requests.open(path, options.from ? ["WRITE"] : ["WRITE", "CREAT", "TRUNC"]);
    const bytes = await closing(requests, handle, async () => {
      if (options.from) await cutTo(requests, handle, path, options.from);
      const written = await writeAll(context, handle, source, path, options);
      await settle(requests, handle, path, (options.from ?? 0) + written);
      return written;
    });
    return { bytes, reply: "CLOSE OK" };
  } catch (error) {
    throw await orDiskFull(requests, error, path);
  }
}

/** Closes the handle, whatever happens. The CLOSE counts as part of the work: quotas are told there. */
export async function closing<T>(requests: Requests, handle: Handle, work: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    // What failed is told; that the handle cannot be closed either adds nothing.
    await requests.close(handle).catch(() => {});
    throw error;
  }
  await requests.close(handle, true);
  return result;
}

/** Going on from a byte: what lies behind it was never confirmed. */
async function cutTo(requests: Requests, handle: Handle, path: string, from: number): Promise<void> {
  const { size } = await requests.fstat(handle);
  if (size < from)
    throw new AgentError("FERRY_SIZE_MISMATCH", `cannot go on with ${path} from byte ${from}: it has ${size} bytes`);
  if (size > from) await requests.truncate(handle, from);
}

async function writeAll(
  context: TransferContext,
  handle: Handle,
  source: AsyncIterable<Buffer>,
  path: string,
  options: TransferOptions,
): Promise<number> {
  const block = Buffer.allocUnsafe(requestSizes(context.sftp).write);
  const window = openWindow("WRITE", block.length, context);
  const iterator = source[Symbol.asyncIterator]();
  let exhausted = false;
  try {
    const pieces = repacked(block, window, async () => {
      const next = await context.lifeline.during(() => iterator.next());
      exhausted = next.done === true;
      return exhausted ? undefined : next.value;
    });
    const written = await sendAll(context, window, handle, block, pieces, options);
    await window.drained();
    if (window.refusal) throw refused(window.refusal, `write ${path}`, path);
    return written;
  } catch (error) {
    await window.drained().catch(() => {});
    throw error;
  } finally {
    window.end();
    // Not waited for: a source that hangs would hold up the failure.
    if (!exhausted) void iterator.return?.()?.catch(() => {});
  }
}

async function sendAll(
  { sftp }: TransferContext,
  window: Window,
  handle: Handle,
  block: Buffer,
  pieces: AsyncIterable<number>,
  options: TransferOptions,
): Promise<number> {
  const from = options.from ?? 0;
  let at = from;
  for await (const length of pieces) {
    const position = at;
    const sent = await window.send<void>((done) => {
      window.moved(length);
      // ssh2 has copied the block when `write` returns.
      sftp.write(handle, block, 0, length, position, (error) => {
        if (!error) options.onBytes?.(length);
        done(error, undefined);
      });
    });
    if (!sent) break;
    at += length;
  }
  return at - from;
}

/** Fills `block` from the chunks, whatever their sizes, as far as a request should go now, and yields how full it is. */
async function* repacked(
  block: Buffer,
  window: Window,
  next: () => Promise<Buffer | undefined>,
): AsyncGenerator<number> {
  let filled = 0;
  let size = window.size;
  for (let chunk = await next(); chunk; chunk = await next()) {
    for (let taken = 0; taken < chunk.length; ) {
      const copied = chunk.copy(block, filled, taken, taken + size - filled);
      taken += copied;
      filled += copied;
      if (filled < size) continue;
      yield filled;
      filled = 0;
      size = window.size;
    }
  }
  if (filled > 0) yield filled;
}

async function settle(requests: Requests, handle: Handle, path: string, expected: number): Promise<void> {
  if (requests.extensions.includes("fsync@openssh.com")) await requests.fsync(handle);
  const { size } = await requests.fstat(handle, true);
  if (size !== undefined && size !== expected) {
    throw new AgentError("FERRY_SIZE_MISMATCH", `${path}: ${expected} bytes were sent, and the server has ${size}`);
  }
}

/** OpenSSH says nothing but FAILURE when its disk is full: the free space tells. */
async function orDiskFull(requests: Requests, error: unknown, path: string): Promise<unknown> {
  if (!(error instanceof AgentError) || error.code !== "FERRY_SERVER_REFUSED") return error;
  const folder = path.slice(0, path.lastIndexOf("/")) || "/";
  const free = await requests.freeSpace(folder).catch(() => undefined);
  if (free === undefined || free >= FULL_BELOW) return error;
  return new AgentError(
    "FERRY_SERVER_DISK_FULL",
    `cannot write ${path}: the server's disk is full, ${free} bytes are free`,
    { cause: error.cause },
  );
}

/** Less than one request of the largest size. */
const FULL_BELOW = 256 * 1024;
