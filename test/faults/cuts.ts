import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { later } from "./stage.js";

/** Where the bytes of one direction end: after `at` of them, with FIN or RST. */
export interface CutAt {
  readonly way: "up" | "down";
  readonly at: number;
  readonly how: "fin" | "rst";
}

/** A listener in the place of a real one: what it passes on is counted, and cut where the case at hand says. */
export interface CuttingRelay {
  readonly port: number;
  /** What went through the last connection. */
  readonly passed: { up: number; down: number };
}

/** Passes port `port` (0: any) of 127.0.0.1 on to `target`; each connection asks once what becomes of it. */
export async function cuttingRelay(
  target: { readonly host: string; readonly port: number },
  port: number,
  next: () => CutAt | undefined,
): Promise<CuttingRelay> {
  const passed = { up: 0, down: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...target, noDelay: true, allowHalfOpen: true });
    for (const socket of [client, upstream]) sockets.add(socket.on("close", () => sockets.delete(socket)));
    couple(client, upstream, next(), passed);
  });
  const listening = await listen(server, port);
  later(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  });
  return { port: listening, passed };
}

function couple(client: Socket, upstream: Socket, cut: CutAt | undefined, passed: CuttingRelay["passed"]): void {
  passed.up = 0;
  passed.down = 0;
  const end = (): void => {
    for (const socket of [client, upstream]) cut?.how === "fin" ? socket.destroySoon() : socket.resetAndDestroy();
  };
  client.on("error", () => upstream.resetAndDestroy());
  upstream.on("error", () => client.resetAndDestroy());
  const pump = (from: Socket, to: Socket, way: CutAt["way"]): void => {
    from.on("data", (bytes: Buffer) => {
      const left = cut?.way === way ? cut.at - passed[way] : Number.POSITIVE_INFINITY;
      const part = bytes.subarray(0, left);
      passed[way] += part.length;
      if (part.length > 0 && to.writable && !to.write(part)) {
        from.pause();
        to.once("drain", () => from.resume());
      }
      if (bytes.length > left) end();
    });
    from.on("end", () => to.end());
  };
  // Nothing at all: the connection is made, and is gone.
  if (cut?.at === 0) return void upstream.once("connect", end);
  pump(client, upstream, "up");
  pump(upstream, client, "down");
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}

/** `count` positions from 0 to `last`, among them 0, 1, the last but one and the last; the same for the same seed. */
export function positions(count: number, last: number, seed: number): number[] {
  const found = new Set([0, 1, last - 1, last]);
  let state = seed;
  while (found.size < Math.min(count, last + 1)) {
    // Numerical Recipes' generator: good enough to spread.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    found.add(Math.floor((state / 2 ** 32) * last));
  }
  return [...found].toSorted((a, b) => a - b);
}

/** Hands the target's first words on in pieces that end at these places, with so long between them that each is a packet of its own. */
export async function dribblingRelay(
  target: { readonly host: string; readonly port: number },
  ends: readonly number[],
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ ...target, noDelay: true });
    for (const socket of [client, upstream]) sockets.add(socket.on("error", () => {}));
    client.pipe(upstream);
    upstream.once("data", async (words: Buffer) => {
      upstream.pause();
      for (const [index, end] of [...ends, words.length].entries()) {
        client.write(words.subarray(ends[index - 1] ?? 0, end));
        await pause(BETWEEN_PACKETS_MS);
      }
      upstream.pipe(client);
    });
  });
  const port = await listen(server, 0);
  later(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  });
  return port;
}

const BETWEEN_PACKETS_MS = 50;
