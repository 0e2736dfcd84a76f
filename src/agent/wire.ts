import type { Socket } from "node:net";
import { AgentError, type ErrorCode, toRecord } from "../base/errors.js";

/** One question or answer a line, as JSON: what commands and the agent say to each other over the socket. */
export interface Question {
  readonly id: number;
  readonly operation: string;
  readonly params: unknown;
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | {
      readonly id: number;
      readonly error: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly cause?: string | undefined;
        readonly hint: string;
      };
    };

/** A secret is the longest thing that is said. */
const LONGEST_LINE = 4 * 1024 * 1024;

/** Calls `take` with each line's value until the socket ends. A line that is no JSON, or too long, ends it. */
export function readLines(socket: Socket, take: (value: unknown) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    rest += text;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      try {
        take(JSON.parse(line));
      } catch {
        socket.destroy();
        return;
      }
    }
    if (rest.length > LONGEST_LINE) socket.destroy();
  });
}

export function writeLine(socket: Socket, value: Question | Answer): void {
  socket.write(`${JSON.stringify(value)}\n`);
}

export function failure(id: number, error: unknown): Answer {
  return { id, error: toRecord(error) };
}

export function asError(error: Extract<Answer, { error: unknown }>["error"]): AgentError {
  return new AgentError(error.code, error.message, { cause: error.cause, hint: error.hint });
}
