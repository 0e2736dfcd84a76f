import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { AgentError } from "../base/errors.js";
import { socketAddress } from "./socket-path.js";
import { failure, type Question, readLines, writeLine } from "./wire.js";

export interface SocketServer {
  close(): Promise<void>;
}

/** Listens on the workspace's socket (0600: only the owner may speak), and answers with `perform`. */
export async function listen(
  path: string,
  perform: (operation: string, params: unknown) => Promise<unknown>,
): Promise<SocketServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    readLines(socket, (value) => {
      const question = value as Question;
      perform(question.operation, question.params)
        .then((result) => writeLine(socket, { id: question.id, result }))
        .catch((error: unknown) => writeLine(socket, failure(question.id, error)));
    });
  });
  const { address, done } = socketAddress(path);
  // The lock is ours: a socket that is there was left behind.
  rmSync(path, { force: true });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(address, resolve);
    });
    // A caller that the system does not let through (too many open files) dials again.
    server.on("error", () => undefined);
    chmodSync(path, 0o600);
  } catch (error) {
    throw new AgentError("FERRY_FILE_REFUSED", `the socket ${path} cannot be made`, { cause: error });
  } finally {
    done();
  }
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.end();
        rmSync(path, { force: true });
      }),
  };
}
