import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type SecureContext, TLSSocket } from "node:tls";

/** When and how a data connection is cut; the first `times` transfers that get that far. */
export interface Cut {
  readonly afterBytes: number;
  readonly how: "fin" | "rst";
  /** Default "both", as when the network is lost; "data" leaves the control connection, which then says 426. */
  readonly what?: "both" | "data";
  /** Which transfers. Default STOR, APPE and RETR. */
  readonly verbs?: readonly string[];
  /** Default 1. */
  readonly times?: number;
}

/** The data connections of one session. */
export interface DataChannel {
  /** Opens a passive port and returns it. */
  listen(): Promise<number>;
  /** Active mode: where to connect to for the next transfer. */
  target(host: string, port: number): void;
  /** Waits for the client's connection (or makes it), runs `beforeTls`, and then does the handshake when it is protected. */
  open(beforeTls: () => void | Promise<void>): Promise<Duplex>;
  /** Breaks what is open, if anything is. */
  abort(how: "fin" | "rst"): boolean;
  close(): void;
}

export interface DataSecurity {
  readonly context: SecureContext | undefined;
  readonly requireReuse: boolean;
  isProtected(): boolean;
}

/** A refusal with the reply that the client shall read. */
export class DataRefused extends Error {}

export function dataChannel(security: DataSecurity): DataChannel {
  let listener: Server | undefined;
  let incoming: Promise<Socket> | undefined;
  let active: { readonly host: string; readonly port: number } | undefined;
  let current: Socket | undefined;

  function expect(server: Server): Promise<Socket> {
    const arrival = once(server, "connection").then(([socket]) => socket as Socket);
    // Nobody may ever ask for it: a client can open a passive port and leave.
    arrival.catch(() => {});
    return arrival;
  }

  async function call(): Promise<Socket> {
    if (!active) throw new DataRefused("425 use PORT or PASV first");
    const socket = connect({ ...active, noDelay: true });
    active = undefined;
    await once(socket, "connect").catch(() => {
      throw new DataRefused("425 cannot connect to you");
    });
    return socket.pause();
  }

  return {
    async listen() {
      listener?.close();
      active = undefined;
      listener = createServer({ pauseOnConnect: true, noDelay: true });
      incoming = expect(listener);
      listener.listen(0, "127.0.0.1");
      await once(listener, "listening");
      return portOf(listener);
    },
    target(host, port) {
      incoming = undefined;
      listener?.close();
      listener = undefined;
      active = { host, port };
    },
    async open(beforeTls) {
      const socket = await (incoming ?? call());
      incoming = undefined;
      listener?.close();
      current = socket;
      socket.on("error", () => {});
      await beforeTls();
      return security.isProtected() ? secured(socket, security) : socket;
    },
    abort(how) {
      if (!current || current.destroyed) return false;
      if (how === "rst") current.resetAndDestroy();
      else current.destroySoon();
      return true;
    },
    close() {
      listener?.close();
      current?.destroy();
    },
  };
}

async function secured(socket: Socket, security: DataSecurity): Promise<Duplex> {
  if (!security.context) throw new DataRefused("522 no TLS here");
  const wrapped = new TLSSocket(socket, { isServer: true, secureContext: security.context });
  try {
    await once(wrapped, "secure");
  } catch {
    throw new DataRefused("425 TLS handshake on the data connection failed");
  }
  wrapped.on("error", () => {});
  if (security.requireReuse && !wrapped.isSessionReused()) {
    wrapped.destroy();
    throw new DataRefused("522 SSL connection failed: session reuse required");
  }
  return wrapped;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return address.port;
}
