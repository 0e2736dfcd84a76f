import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import ssh2, { type AuthContext, type Connection, type SFTPWrapper } from "ssh2";
import { confine, type Folder } from "./folder.js";
import type { DemoServer } from "./ftps.js";
import { offerPosixRename } from "./sftp/extensions.js";
import { serveRequests } from "./sftp/requests.js";

export interface SftpOptions {
  /** The real folder that clients see as `/`. */
  readonly root: string;
  readonly user: string;
  readonly password: string;
  /** A private key in OpenSSH's format. */
  readonly hostKey: string;
  /** Told of every request, answer and login: `#1 < ` received, `#1 > ` sent. Never the password. */
  readonly log?: (line: string) => void;
}

export interface SftpServer extends DemoServer {
  /** Of the host key, as OpenSSH writes it: `SHA256:…`. */
  readonly fingerprint: string;
}

/**
 * Starts an SFTP server (version 3) on a free port of 127.0.0.1.
 * It is for demonstrations: password login only, no links, no shell, requests of one client are served one by one.
 */
export async function startSftp(options: SftpOptions): Promise<SftpServer> {
  const folder = await confine(options.root);
  const clients = new Set<Connection>();
  let count = 0;
  const ssh = new ssh2.Server({ hostKeys: [options.hostKey], ident: "FerryDemo" }, (client) => {
    const name = `#${++count}`;
    clients.add(client);
    client.on("error", () => {}); // told by "close"
    client.on("close", () => clients.delete(client));
    serveClient(client, options, folder, (line) => options.log?.(`${name} ${line}`));
  });
  // The sockets are ours, because ssh2's own wait for more before they send a little.
  const server = createServer({ noDelay: true }, (socket) => ssh.injectSocket(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, // a TCP server's address is never a string
    fingerprint: fingerprintOf(options.hostKey),
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const client of clients) client.end();
      await closed;
    },
  };
}

function serveClient(client: Connection, options: SftpOptions, folder: Folder, log: (line: string) => void): void {
  client.on("authentication", (attempt) => {
    if (attempt.method !== "password") return attempt.reject(["password"]);
    const welcome = isRight(attempt, options);
    log(`< login of ${attempt.username}: ${welcome ? "accepted" : "refused"}`);
    return welcome ? attempt.accept() : attempt.reject(["password"]);
  });
  client.on("session", (acceptSession) => {
    acceptSession().on("sftp", (accept) => {
      const channel: SFTPWrapper = accept();
      offerPosixRename(channel);
      serveRequests(channel, folder, log);
    });
  });
}

function isRight(attempt: Extract<AuthContext, { method: "password" }>, { user, password }: SftpOptions): boolean {
  return equal(attempt.username, user) && equal(attempt.password, password);
}

function equal(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function fingerprintOf(hostKey: string): string {
  const key = ssh2.utils.parseKey(hostKey);
  if (key instanceof Error) throw key;
  const digest = createHash("sha256").update(key.getPublicSSH()).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}
