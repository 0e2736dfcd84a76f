import { existsSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { AgentError, systemCode } from "../base/errors.js";
import { socketAddress } from "./socket-path.js";
import { type Answer, asError, readLines, writeLine } from "./wire.js";

export interface SocketClient {
  ask(operation: string, params: unknown): Promise<unknown>;
  /** False once the agent has gone. */
  alive(): boolean;
  close(): void;
}

/** A line to the agent of the workspace, or undefined when none listens. */
export async function dialAgent(path: string): Promise<SocketClient | undefined> {
  const socket = await open(path);
  if (!socket) return undefined;
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let last = 0;
  readLines(socket, (value) => {
    const answer = value as Answer;
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ("error" in answer) asked?.reject(asError(answer.error));
    else asked?.resolve(answer.result);
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    const gone = new AgentError("FERRY_AGENT_NOT_RUNNING", "the agent ended before it answered");
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
  });
  return {
    ask(operation, params) {
      return new Promise((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve, reject });
        if (socket.destroyed) reject(new AgentError("FERRY_AGENT_NOT_RUNNING", "the agent has ended"));
        else writeLine(socket, { id, operation, params });
      });
    },
    alive: () => !socket.destroyed,
    close: () => socket.destroy(),
  };
}

async function open(path: string): Promise<Socket | undefined> {
  // No command has worked here yet.
  if (!existsSync(dirname(path))) return undefined;
  const { address, done } = socketAddress(path);
  return new Promise<Socket | undefined>((resolve, reject) => {
    const socket = connect(address);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error) => {
      // A socket without a listener was left by an agent that was killed.
      if (["ENOENT", "ECONNREFUSED"].includes(systemCode(error) ?? "")) resolve(undefined);
      else reject(new AgentError("FERRY_AGENT_REFUSED", `the agent's socket ${path} cannot be used`, { cause: error }));
    });
  }).finally(done);
}
