import { AgentError } from "../../base/errors.js";
import type { ByteSink, TransferOptions, TransferReceipt } from "../session.js";
import { requestSizes } from "./library.js";
import type { Handle, Requests } from "./requests.js";
import { refused } from "./status.js";
import { openWindow, type Window } from "./window.js";
import { closing, type TransferContext } from "./writer.js";

/**
 * Reads `path` into `sink`, in order, many requests at a time. Resolves when the server has said EOF, no earlier than
 * at the size that it told at the beginning.
 */
export async function readFile(
  context: TransferContext,
  path: string,
  sink: ByteSink,
  options: TransferOptions = {},
): Promise<TransferReceipt> {
  const { requests } = context;
  const from = options.from ?? 0;
  const handle = await requests.open(path, ["READ"]);
  const bytes = await closing(requests, handle, async () => {
    const size = await sizeOf(requests, handle);
    if (size !== undefined && from > size) {
      throw new AgentError("FERRY_SIZE_MISMATCH", `cannot read ${path} from byte ${from}: it has ${size} bytes`);
    }
    const read = await readAll(context, handle, path, sink, { ...options, from, size });
    if (size !== undefined && from + read < size) {
      throw new AgentError(
        "FERRY_SIZE_MISMATCH",
        `${path}: ${from + read} of ${size} bytes arrived, then the server said that it was all`,
      );
    }
    return read;
  });
  return { bytes, reply: "EOF" };
}

async function sizeOf(requests: Requests, handle: Handle): Promise<number | undefined> {
  try {
    return (await requests.fstat(handle)).size;
  } catch (error) {
    if (error instanceof AgentError && error.code === "FERRY_SERVER_REFUSED") return undefined;
    throw error;
  }
}

interface Range extends TransferOptions {
  readonly from: number;
  /** As told by the server; a file may have grown, or be of a kind that has no size. */
  readonly size: number | undefined;
}

interface Piece {
  readonly length: number;
  readonly data: Promise<Buffer>;
}

async function readAll(
  context: TransferContext,
  handle: Handle,
  path: string,
  sink: ByteSink,
  range: Range,
): Promise<number> {
  const ask = asker(context, handle);
  const { window } = ask;
  const queue: Piece[] = [];
  let next = range.from;
  let delivered = 0;
  /** Behind the known size goes one request at a time: it is there to hear EOF. */
  const mayAsk = (): boolean =>
    queue.length === 0 || (queue.length < window.limit && next - (queue.at(-1)?.length ?? 0) < (range.size ?? 0));
  try {
    for (;;) {
      while (mayAsk()) {
        const known = (range.size ?? 0) - next;
        const length = known > 0 ? Math.min(ask.size, known) : ask.size;
        queue.push({ length, data: ask.piece(next, length) });
        next += length;
      }
      const piece = queue.shift();
      const data = await piece?.data;
      if (window.refusal) throw refused(window.refusal, `read ${path}`, path);
      if (!piece || !data) continue;
      if (data.length > 0) await context.lifeline.during(() => sink.write(data));
      delivered += data.length;
      if (data.length > 0) range.onBytes?.(data.length);
      if (data.length < piece.length) return delivered;
    }
  } finally {
    await window.drained().catch(() => {});
    window.end();
  }
}

/** Asks for pieces of the file. A piece that is shorter than asked for ends at the end of the file. */
function asker(
  context: TransferContext,
  handle: Handle,
): { readonly window: Window; readonly size: number; piece(at: number, length: number): Promise<Buffer> } {
  let given = requestSizes(context.sftp).read;
  const window = openWindow("READ", given, context);
  const fill = async (at: number, length: number): Promise<Buffer> => {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const got = await readOnce(context, window, handle, buffer, filled, at + filled);
      if (got === 0) break;
      // A server that answers with less than was asked for does so again: ask for what it gives.
      if (filled + got < length) given = Math.max(SMALLEST, Math.min(given, got));
      filled += got;
    }
    return buffer.subarray(0, filled);
  };
  return {
    window,
    get size() {
      return Math.min(given, window.size);
    },
    piece(at, length) {
      const data = fill(at, length);
      data.catch(() => {}); // looked at when its turn comes
      return data;
    },
  };
}

const SMALLEST = 4096;

async function readOnce(
  { sftp }: TransferContext,
  window: Window,
  handle: Handle,
  buffer: Buffer,
  filled: number,
  at: number,
): Promise<number> {
  const sent = await window.send<number>((done) => {
    sftp.read(handle, buffer, filled, buffer.length - filled, at, (error, got) => {
      if (!error && got > 0) window.moved(got);
      done(error, got);
    });
  });
  return (await sent?.answer) ?? 0;
}
