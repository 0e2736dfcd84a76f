import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";

/** The passive data connections of one session: at most one at a time, always under TLS. */
export interface DataChannel {
  /** Listens for the next data connection, forgetting the one before. */
  listen(): Promise<number>;
  /** The connection with its handshake done. Calls `begin` when the client may start; throws DataRefused. */
  take(begin: () => void): Promise<TLSSocket>;
  /** Lets the connection end by itself, soon. */
  release(): void;
  /** Cuts a transfer off. */
  abort(): void;
}

/** The data connection cannot be used; `code` is the reply to give. */
export class DataRefused extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const patience = 15_000;
/** How long a client that starts TLS at once has, before it is taken for one that waits for the 150. */
const grace = 100;

interface Channel {
  readonly server: Server;
  readonly connected: Promise<Connection>;
  readonly fail: (reason: Error) => void;
  connection: Connection | undefined;
}

interface Connection {
  readonly raw: Socket;
  readonly socket: TLSSocket;
  readonly secured: Promise<void>;
}

/** `host` is the client of the control connection: nobody else may connect. */
export function dataChannel(setup: {
  readonly context: SecureContext;
  readonly host: string | undefined;
  readonly requireResumption: boolean;
  readonly note: (line: string) => void;
}): DataChannel {
  let current: Channel | undefined;
  const drop = (reason: Error): void => {
    current?.fail(reason);
    current?.server.close();
    current?.connection?.socket.destroy();
    current = undefined;
  };
  return {
    async listen() {
      drop(new DataRefused(425, "replaced by a newer data connection"));
      const channel = openChannel(setup);
      current = channel;
      channel.server.listen(0, "127.0.0.1");
      await once(channel.server, "listening");
      return (channel.server.address() as AddressInfo).port; // a TCP server's address is never a string
    },
    async take(begin) {
      if (current === undefined) throw new DataRefused(425, "use EPSV or PASV first");
      const { connected } = current;
      const connection = await Promise.race([connected, refuseAfter(patience, "no data connection came")]);
      await handshake(connection, begin);
      const resumed = connection.socket.isSessionReused();
      setup.note(`data connection: ${connection.socket.getProtocol()}, session ${resumed ? "resumed" : "not resumed"}`);
      if (setup.requireResumption && !resumed) {
        throw new DataRefused(522, "the data connection must resume the TLS session of the control connection");
      }
      return connection.socket;
    },
    release() {
      const socket = current?.connection?.socket;
      socket?.end();
      socket?.setTimeout(5_000, () => socket.destroy());
      current?.server.close();
      current = undefined;
    },
    abort: () => drop(new DataRefused(426, "transfer aborted")),
  };
}

function openChannel(setup: { readonly context: SecureContext; readonly host: string | undefined }): Channel {
  const server = createServer();
  const { promise: connected, resolve, reject } = withResolvers<Connection>();
  connected.catch(() => {}); // nobody may be waiting when it is dropped
  const channel: Channel = { server, connected, fail: reject, connection: undefined };
  server.on("error", () => reject(new DataRefused(425, "cannot listen for a data connection")));
  server.on("connection", (raw) => {
    if (channel.connection !== undefined || raw.remoteAddress !== setup.host) return raw.destroy();
    server.close();
    raw.setNoDelay(true);
    const socket = new TLSSocket(raw, { isServer: true, secureContext: setup.context });
    socket.on("error", () => {});
    socket.setTimeout(60_000, () => socket.destroy());
    const secured = new Promise<void>((done, failed) => {
      socket.once("secure", done);
      socket.once("close", () => failed(new DataRefused(425, "the TLS handshake of the data connection failed")));
    });
    secured.catch(() => {});
    channel.connection = { raw, socket, secured };
    return resolve(channel.connection);
  });
  return channel;
}

/**
 * Some clients shake hands as soon as they are connected, some only after the 150. The former get the 150 after the
 * handshake: basic-ftp takes a resumed session for a finished handshake, and would end an empty upload in the middle.
 */
async function handshake({ raw, secured }: Connection, begin: () => void): Promise<void> {
  const settled = secured.then(
    () => true,
    () => true,
  );
  const early = await Promise.race([settled, after(grace).then(() => raw.bytesRead > 0)]);
  if (!early) begin();
  await Promise.race([secured, refuseAfter(patience, "the TLS handshake of the data connection never ended")]);
  if (early) begin();
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    AbortSignal.timeout(milliseconds).addEventListener("abort", () => resolve(), { once: true });
  });
}

async function refuseAfter(milliseconds: number, message: string): Promise<never> {
  await after(milliseconds);
  throw new DataRefused(425, message);
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
