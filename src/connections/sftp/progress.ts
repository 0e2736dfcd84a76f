import type { Socket } from "node:net";
import type { Clock } from "../../base/clock.js";

/** Looks, several times within `timeout.stall`, whether anything moved. */
const LOOKS = 4;
/** Keep-alives and their answers move a few bytes, too; a transfer that is alive moves more than that between two looks. */
const MORE_THAN_KEEPALIVES = 2048;

/** Watches a transfer while requests are under way. A slow source or sink of our own is not a stall of the network. */
export interface ProgressWatch {
  /** A request went out, `waiting` are under way now. */
  started(waiting: number): void;
  answered(waiting: number): void;
  end(): void;
}

export function watchProgress(clock: Clock, socket: Socket, stallMs: number, stalled: () => void): ProgressWatch {
  let last = clock.monotonic();
  let moved = movedBytes(socket);
  let waiting = 0;
  const look = (): void => {
    const now = movedBytes(socket);
    // A request may take longer than the whole deadline on a slow line; its bytes still trickle.
    if (waiting === 0 || now - moved > MORE_THAN_KEEPALIVES) last = clock.monotonic();
    moved = now;
    if (clock.monotonic() - last >= stallMs) stalled();
    else timer.refresh();
  };
  const timer = clock.timer(Math.max(1, stallMs / LOOKS), look);
  return {
    started(count) {
      if (waiting === 0) last = clock.monotonic();
      waiting = count;
    },
    answered(count) {
      waiting = count;
      last = clock.monotonic();
    },
    end: () => timer.cancel(),
  };
}

/** Bytes that left for or came from the network; what only waits in our own buffers does not count. */
function movedBytes(socket: Socket): number {
  return socket.bytesRead + socket.bytesWritten - socket.writableLength;
}
