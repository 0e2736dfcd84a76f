import type { Socket } from "node:net";
import type { Clock } from "../../base/clock.js";
import { AgentError } from "../../base/errors.js";
import type { ByteSink } from "../session.js";
import { type Mover, OurSideFailed } from "./transfer.js";

export interface PumpOptions {
  readonly clock: Clock;
  readonly stallMs: number;
  readonly subject: string;
  readonly onBytes: ((count: number) => void) | undefined;
}

export interface Pump extends Mover {
  readonly bytes: () => number;
}

/** What may wait in memory on its way. */
const IN_FLIGHT = 1024 * 1024;
const PIECE = 256 * 1024;

function stalled({ subject, stallMs }: PumpOptions): AgentError {
  return new AgentError("FERRY_STALLED", `${subject}: no byte moved within ${stallMs} ms (timeout.stall)`);
}

/** Writes `source` to the socket, in order, then ends it: with TLS that says close_notify, which strict servers insist on. */
export function uploadPump(source: AsyncIterable<Buffer>, options: PumpOptions): Pump {
  let handed = 0;
  let isComplete = false;
  return {
    bytes: () => handed,
    isComplete: () => isComplete,
    async move(socket) {
      const iterator = source[Symbol.asyncIterator]();
      const writer = createWriter(socket, options);
      try {
        for (;;) {
          const step = await writer.or(() => iterator.next());
          if (step.done) break;
          for (let at = 0; at < step.value.length; at += PIECE) {
            const piece = step.value.subarray(at, at + PIECE);
            handed += piece.length;
            await writer.write(piece);
          }
        }
        isComplete = true;
        await writer.end();
      } catch (error) {
        // Not awaited: a source that is stuck in `next` would never answer.
        void iterator.return?.().catch(() => {});
        throw error;
      } finally {
        writer.release();
      }
    },
  };
}

interface Writer {
  /** Has the source work; rejects when the connection fails meanwhile, and does not begin when it has failed. */
  or<T>(work: () => Promise<T>): Promise<T>;
  write(piece: Buffer): Promise<void>;
  end(): Promise<void>;
  release(): void;
}

function createWriter(socket: Socket, options: PumpOptions): Writer {
  let pending = 0;
  let ending = false;
  let failure: unknown = socket.destroyed ? new Error("the server closed the data connection") : undefined;
  let wake: (() => void) | undefined;
  let interrupt: ((error: unknown) => void) | undefined;

  const fail = (error: unknown): void => {
    failure ??= error;
    interrupt?.(failure);
    wake?.();
  };
  const closed = (): void => fail(new Error("the server closed the data connection"));
  // Only the network can stall: a slow source is nobody's fault here.
  const watch = options.clock.timer(options.stallMs, () =>
    pending > 0 || ending ? fail(stalled(options)) : watch.refresh(),
  );
  socket.on("error", fail).on("close", closed);
  // TLS tickets and the server's close_notify are read, or closing would reset the connection.
  socket.resume();

  const until = async (done: () => boolean): Promise<void> => {
    while (failure === undefined && !done()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (failure !== undefined) throw failure;
  };
  return {
    or: (work) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        interrupt = reject;
        work().then(resolve, (reason: unknown) => reject(new OurSideFailed(reason)));
      }),
    async write(piece) {
      pending += piece.length;
      watch.refresh();
      socket.write(piece, (error) => {
        if (error) return fail(error);
        pending -= piece.length;
        watch.refresh();
        options.onBytes?.(piece.length);
        wake?.();
      });
      await until(() => pending < IN_FLIGHT);
    },
    async end() {
      ending = true;
      watch.refresh();
      let finished = false;
      socket.once("finish", () => {
        finished = true;
        wake?.();
      });
      socket.end();
      await until(() => finished);
    },
    release() {
      watch.cancel();
      socket.off("error", fail).off("close", closed);
    },
  };
}

/** Reads the socket to its end into `sink`, in large pieces and no faster than the sink takes them. */
export function downloadPump(sink: ByteSink, options: PumpOptions): Pump {
  let taken = 0;
  const take = async (chunk: Buffer): Promise<void> => {
    try {
      await sink.write(chunk);
    } catch (reason) {
      throw new OurSideFailed(reason);
    }
    taken += chunk.length;
    options.onBytes?.(chunk.length);
  };
  return { bytes: () => taken, move: (socket) => readAll(socket, take, options) };
}

function readAll(socket: Socket, take: (chunk: Buffer) => Promise<void>, options: PumpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    // An empty file may be over before anybody has listened.
    if (socket.readableEnded) return resolve();
    if (socket.destroyed) return reject(new Error("the server broke the data connection"));
    let queue: Buffer[] = [];
    let queued = 0;
    let ended = false;
    let busy = false;
    const settle = (error?: unknown): void => {
      watch.cancel();
      socket.off("data", add).off("end", end).off("error", settle).off("close", closed);
      if (error === undefined) resolve();
      else reject(error);
    };
    const watch = options.clock.timer(options.stallMs, () =>
      socket.isPaused() ? watch.refresh() : settle(stalled(options)),
    );
    const drain = async (): Promise<void> => {
      if (busy) return;
      busy = true;
      try {
        while (queue.length > 0) {
          const chunk = queue.length === 1 && queue[0] ? queue[0] : Buffer.concat(queue, queued);
          queue = [];
          queued = 0;
          if (!ended) socket.resume();
          // One after the other: the order of the bytes is the content.
          await take(chunk);
        }
        if (ended) settle();
      } catch (error) {
        settle(error);
      } finally {
        busy = false;
      }
    };
    const add = (chunk: Buffer): void => {
      watch.refresh();
      queue.push(chunk);
      queued += chunk.length;
      if (queued >= IN_FLIGHT) socket.pause();
      void drain();
    };
    const end = (): void => {
      ended = true;
      watch.cancel();
      void drain();
    };
    const closed = (): void => {
      if (!ended) settle(new Error("the server broke the data connection"));
    };
    socket.on("data", add).on("end", end).on("error", settle).on("close", closed);
  });
}
