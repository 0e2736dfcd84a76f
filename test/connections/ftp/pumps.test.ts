import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { uploadPump } from "../../../src/connections/ftp/pumps.js";

async function closedSocket(): Promise<Socket> {
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const socket = connect(typeof address === "object" && address ? address.port : 0, "127.0.0.1");
  socket.resume();
  await once(socket, "close");
  server.close();
  return socket;
}

test("a source is not read for a connection that is gone: the file may be closed by then, and nobody would hear it", async () => {
  let asked = 0;
  const next = async (): Promise<never> => {
    asked++;
    throw new Error("file closed");
  };
  const source = { [Symbol.asyncIterator]: () => ({ next }) };
  const options = { clock: systemClock, stallMs: 5_000, subject: "upload a", onBytes: undefined };
  await expect(uploadPump(source, options).move(await closedSocket())).rejects.toThrow(
    "the server closed the data connection",
  );
  expect(asked).toBe(0);
});
