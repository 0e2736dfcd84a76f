import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dialAgent, type SocketClient } from "../../src/agent/socket-client.js";
import { listen } from "../../src/agent/socket-server.js";
import { later } from "./stage.js";

/** An agent's socket that answers with what `perform` gives, and a line to it. */
async function stage(perform: (operation: string) => Promise<unknown>): Promise<{ dial(): Promise<SocketClient> }> {
  const folder = mkdtempSync(join(tmpdir(), "ferry-socket-"));
  later(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "agent.sock");
  const server = await listen(path, perform);
  later(() => server.close());
  return {
    async dial() {
      const client = await dialAgent(path);
      if (!client) throw new Error("nobody listens");
      later(() => client.close());
      return client;
    },
  };
}

test("an answer that cannot be written is told as a failure, and the line stays", async () => {
  const { dial } = await stage(async (operation) => (operation === "odd" ? 1n : "as usual"));
  const client = await dial();
  const odd = await client.ask("odd", {}).catch((error: { code: string }) => error.code);
  expect([odd, await client.ask("usual", {})]).toEqual(["FERRY_BUG", "as usual"]);
});

test("callers that the system does not let through end nobody else's line, however many", async () => {
  const { dial } = await stage(async () => "here");
  const server = new Promise<Server>((resolve) => {
    const accepted = (message: unknown): void => {
      // Node's documentation promises the socket, which has the server.
      resolve((message as { socket: Socket & { server: Server } }).socket.server);
      unsubscribe("net.server.socket", accepted);
    };
    subscribe("net.server.socket", accepted);
  });
  const client = await dial();
  const listening = await server;
  for (const code of ["EMFILE", "EMFILE"])
    listening.emit("error", Object.assign(new Error(`accept ${code}`), { code }));
  expect([await client.ask("status", {}), await (await dial()).ask("status", {})]).toEqual(["here", "here"]);
});
