import { connect, type Socket } from "node:net";
import type { Clock } from "../../base/clock.js";
import { AgentError } from "../../base/errors.js";

/** A name may have several addresses, the first of them dead. */
const EACH_ADDRESS_MS = 5_000;
const TCP_KEEP_ALIVE_MS = 30_000;

export interface Dial {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly ms: number;
  readonly signal: AbortSignal;
}

/** A TCP connection, or the system's own error. */
export function dial({ host, port, clock, ms, signal }: Dial): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted)
      return reject(new AgentError("FERRY_CANCELLED", "cancelled before connecting", { cause: signal.reason }));
    const socket = connect({ host, port, noDelay: true, autoSelectFamilyAttemptTimeout: EACH_ADDRESS_MS });
    const settle = (error?: unknown): void => {
      timer.cancel();
      signal.removeEventListener("abort", abort);
      socket.off("error", settle);
      if (error === undefined) resolve(socket);
      else {
        socket.on("error", () => {}).destroy();
        reject(error);
      }
    };
    const abort = (): void =>
      settle(new AgentError("FERRY_CANCELLED", "cancelled while connecting", { cause: signal.reason }));
    const timer = clock.timer(ms, () => {
      settle(
        new AgentError("FERRY_CONNECT_TIMEOUT", `no connection to ${host}:${port} within ${ms} ms (timeout.connect)`),
      );
    });
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", settle).once("connect", () => {
      socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
      settle();
    });
  });
}
