import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";

export type Direction = "up" | "down";

/** What is done to the bytes of one connection in one direction. Up is from the client to the server. */
export interface Interference {
  /** After so many bytes have been let through, and when more come, `ending` happens. */
  readonly after?: number;
  /** "fin" and "rst" cut both sides; "stall" swallows what follows and keeps the connection. Default "rst". */
  readonly ending?: "fin" | "rst" | "stall";
  /** Passes bytes on in pieces of this size, each written on its own. */
  readonly pieces?: number;
  /** Called before bytes are passed on; a promise delays them, a buffer replaces them. */
  tap?(bytes: Buffer): Buffer | undefined | Promise<Buffer | undefined>;
}

export type Interferences = Readonly<Partial<Record<Direction, Interference>>>;

export interface RelayedConnection {
  /** 1 for the first. */
  readonly number: number;
  /** Bytes let through so far. */
  readonly passed: Readonly<Record<Direction, number>>;
  /** Cuts both sides now. */
  cut(how: "fin" | "rst"): void;
  /** Passes nothing on any more, in either direction. */
  stall(): void;
}

export interface RelayOptions {
  /** For every connection, or decided for each by its number. */
  readonly interfere?: Interferences | ((number: number) => Interferences | undefined);
  onConnection?(connection: RelayedConnection): void;
}

export interface Relay {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** All there have been. */
  readonly connections: readonly RelayedConnection[];
  /** Replaces `interfere` for connections to come. */
  interfere(next: RelayOptions["interfere"]): void;
  close(): Promise<void>;
}

/** A TCP relay that damages connections on their way to `target`: what a network does, since a test cannot ask one to. */
export async function startRelay(
  target: { readonly host?: string; readonly port: number },
  options: RelayOptions = {},
): Promise<Relay> {
  const connections: RelayedConnection[] = [];
  const sockets = new Set<Socket>();
  let interfere = options.interfere;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = connect({
      host: target.host ?? "127.0.0.1",
      port: target.port,
      noDelay: true,
      allowHalfOpen: true,
    });
    for (const socket of [client, upstream]) sockets.add(socket.on("close", () => sockets.delete(socket)));
    const number = connections.length + 1;
    const rules = typeof interfere === "function" ? interfere(number) : interfere;
    const connection = couple(client, upstream, number, rules ?? {});
    connections.push(connection);
    options.onConnection?.(connection);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return {
    ...{ host: "127.0.0.1", port: address.port, connections },
    interfere(next) {
      interfere = next;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function couple(client: Socket, upstream: Socket, number: number, rules: Interferences): RelayedConnection {
  const passed = { up: 0, down: 0 };
  let stalled = false;
  const connection: RelayedConnection = {
    ...{ number, passed },
    cut(how) {
      stalled = true;
      for (const socket of [client, upstream]) how === "rst" ? socket.resetAndDestroy() : socket.destroySoon();
    },
    stall() {
      stalled = true;
    },
  };
  // One side's failure is shown to the other as the same: a reset.
  client.on("error", () => upstream.resetAndDestroy());
  upstream.on("error", () => client.resetAndDestroy());
  void pump(client, upstream, rules.up ?? {}, "up");
  void pump(upstream, client, rules.down ?? {}, "down");

  async function pump(from: Socket, to: Socket, rule: Interference, direction: Direction): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        const bytes = (await rule.tap?.(chunk)) ?? chunk;
        const allowed = bytes.subarray(0, (rule.after ?? Number.POSITIVE_INFINITY) - passed[direction]);
        if (!stalled) await pass(allowed, to, rule.pieces, direction);
        if (allowed.length < bytes.length && !stalled) happen(rule.ending ?? "rst");
      }
      if (!stalled) to.end();
    } catch {
      // Reported by the 'error' listeners above.
    }
  }

  async function pass(bytes: Buffer, to: Socket, pieces: number | undefined, direction: Direction): Promise<void> {
    const size = pieces ?? (bytes.length || 1);
    for (let start = 0; start < bytes.length && !stalled; start += size) {
      const piece = bytes.subarray(start, start + size);
      passed[direction] += piece.length;
      if (!to.write(piece)) await Promise.race([once(to, "drain"), once(to, "close")]);
      // Without this, pieces written in one turn leave in one packet.
      if (pieces !== undefined) await nextTurn();
    }
  }

  function happen(what: "fin" | "rst" | "stall"): void {
    if (what === "stall") connection.stall();
    else connection.cut(what);
  }
  return connection;
}
