import { connect, type Socket } from "node:net";
import { AgentError, type ErrorCode, systemCode } from "../../base/errors.js";
import type { OpenContext } from "../driver.js";
import type { SftpDefinition } from "./schema.js";

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: "FERRY_ADDRESS_UNKNOWN",
  EAI_AGAIN: "FERRY_ADDRESS_UNKNOWN",
  ECONNREFUSED: "FERRY_CONNECT_REFUSED",
  EHOSTUNREACH: "FERRY_CONNECT_REFUSED",
  ENETUNREACH: "FERRY_CONNECT_REFUSED",
  EACCES: "FERRY_CONNECT_REFUSED",
  EPERM: "FERRY_CONNECT_REFUSED",
  ETIMEDOUT: "FERRY_CONNECT_TIMEOUT",
};

/** The next address is tried after so long, where a name has several. */
const ATTEMPT_MS = 2000;

type Target = Pick<SftpDefinition, "address" | "port" | "timeout">;

/** A TCP connection, within `timeout.connect`. */
export function connectSocket(
  { address, port, timeout }: Target,
  { clock, signal }: Pick<OpenContext, "clock" | "signal">,
): Promise<Socket> {
  const where = `${address}:${port}`;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(cancelled(where, signal));
    const socket = connect({ host: address, port, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ATTEMPT_MS });
    const fail = (reason: AgentError): void => {
      settle();
      socket.on("error", () => {}); // a late one adds nothing
      socket.destroy();
      reject(reason);
    };
    const abort = (): void => fail(cancelled(where, signal));
    const failed = (error: Error): void =>
      fail(new AgentError(codeOf(error), `cannot connect to ${where}`, { cause: error }));
    const timer = clock.timer(timeout.connect, () => fail(connectTimeout(where, timeout.connect)));
    const settle = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", abort);
      socket.off("error", failed);
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", failed);
    socket.once("connect", () => {
      settle();
      // Small requests wait for nothing: with Nagle's algorithm an upload is a hundred times slower.
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 30_000);
      resolve(socket);
    });
  });
}

export function connectTimeout(where: string, ms: number): AgentError {
  return new AgentError("FERRY_CONNECT_TIMEOUT", `no SSH connection to ${where} within ${ms / 1000} s`);
}

export function cancelled(where: string, signal: AbortSignal): AgentError {
  return new AgentError("FERRY_CONNECTION_LOST", `the connection to ${where} was given up`, { cause: signal.reason });
}

function codeOf(error: Error): ErrorCode {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return CODES[systemCode(first) ?? ""] ?? "FERRY_CONNECTION_LOST";
}
