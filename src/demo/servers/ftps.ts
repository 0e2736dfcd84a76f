import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { createSecureContext } from "node:tls";
import { confine } from "./folder.js";
import { serveControl } from "./ftp/control.js";

export interface FtpsOptions {
  /** The real folder that clients see as `/`. */
  readonly root: string;
  readonly user: string;
  readonly password: string;
  /** PEM. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** A data connection must resume a TLS session of its own control connection, else 522. */
  readonly requireResumption: boolean;
  /** Told of every line: `#1 > ` sent, `#1 < ` received, `#1 * ` what happened. Never the password. */
  readonly log?: (line: string) => void;
}

export interface DemoServer {
  readonly port: number;
  /** Cuts off all clients and stops listening. */
  close(): Promise<void>;
}

/**
 * Starts an FTP server with explicit TLS (1.2 and 1.3) on a free port of 127.0.0.1.
 * It is for demonstrations: passive mode only, no ASCII conversion, one user, one folder. Clients that keep their TLS 1.2
 * sessions without tickets cannot resume.
 */
export async function startFtps(options: FtpsOptions): Promise<DemoServer> {
  const folder = await confine(options.root);
  const clients = new Set<() => void>();
  let count = 0;
  const server = createServer((socket) => {
    const name = `#${++count}`;
    const cut = serveControl(socket, {
      user: options.user,
      password: options.password,
      folder,
      context: ownContext(options.certificate),
      requireResumption: options.requireResumption,
      log: (line) => options.log?.(`${name} ${line}`),
    });
    clients.add(cut);
    socket.on("close", () => clients.delete(cut));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, // a TCP server's address is never a string
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const cut of clients) cut();
      await closed;
    },
  };
}

/** Every control connection has ticket keys of its own, so that a session of another one cannot be resumed with it. */
function ownContext({ cert, key }: FtpsOptions["certificate"]) {
  return createSecureContext({
    cert,
    key,
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    sessionIdContext: randomUUID().replaceAll("-", ""),
    sessionTimeout: 24 * 60 * 60,
  });
}
