import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { AuthContext, Connection, ServerConfig } from "ssh2";
import ssh2 from "ssh2";
import { sftpFiles } from "./scripted/sftp-files.js";
import { type SftpHook, type SftpWorld, serveSftp } from "./scripted/sftp-session.js";
import { createTree, type Tree } from "./scripted/tree.js";
import { type Received, received } from "./scripted/wait-for.js";
import { ed25519Pair } from "./ssh-keys.js";

export type { SftpHook } from "./scripted/sftp-session.js";

/** SFTP's status codes, for hooks. */
export const sftpStatus = ssh2.utils.sftp.STATUS_CODE;

/** Requests, in capitals, are answered as scripted; all others as a well-behaved server does. */
export interface SftpScript {
  readonly [request: Uppercase<string>]: SftpHook;
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly folders?: readonly string[];
  readonly user?: string;
  readonly password?: string;
  /** What the server takes: default password only. */
  readonly methods?: readonly ("password" | "publickey" | "keyboard-interactive")[];
  /** A public key in OpenSSH's format that may log in, when `methods` has publickey. */
  readonly clientKey?: string;
  /** A private key; `newHostKey()` makes one. */
  readonly hostKey?: string;
  /** Offers posix-rename@openssh.com and fsync@openssh.com. Default false, like a server that is not OpenSSH's. */
  readonly posixRename?: boolean;
  /** A plain RENAME replaces an existing file. Default false. */
  readonly renameReplaces?: boolean;
  readonly takenAtOnce?: boolean;
  /** Settings of ssh2's Server: algorithms, greeting, banner, ident. */
  readonly ssh?: Partial<Omit<ServerConfig, "hostKeys">>;
}

export interface ScriptedSftp extends Pick<Tree, "files" | "folders" | "modified" | "events"> {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** `SHA256:…` of the host key. */
  readonly fingerprint: string;
  /** Every request in order: `OPEN /in/a.csv`, `WRITE /in/a.csv 0+32768`, `RENAME /in/a.tmp /in/a.csv`. */
  readonly requests: readonly string[];
  /** How many connections have logged in. */
  readonly sessions: number;
  readonly waitFor: Received["waitFor"];
  /** Cuts every connection that is open. */
  disconnect(how: "fin" | "rst"): void;
  close(): Promise<void>;
}

export function newHostKey(type: "ed25519" | "rsa" = "ed25519"): string {
  const pair = type === "rsa" ? ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 }) : ed25519Pair();
  return pair.private;
}

/** An SFTP server that behaves well except where the script says otherwise. Only for replies that no real server gives. */
export async function scriptedSftp(script: SftpScript = {}): Promise<ScriptedSftp> {
  const requests = received();
  const sockets = new Set<Socket>();
  const counts = new Map<string, number>();
  const { user = "anna", password = "pear tree", hostKey = newHostKey() } = script;
  const tree = createTree(script.files ?? {}, () => requests.lines.length);
  for (const folder of script.folders ?? []) tree.folders.add(folder);
  const world: SftpWorld = {
    hook: (name) => (script as Readonly<Record<string, SftpHook>>)[name],
    posixRename: script.posixRename ?? false,
    received(name, line) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      requests.add(line);
      return counts.get(name) ?? 1;
    },
  };
  let sessions = 0;
  const login = loginOf(user, password, script);
  const behaviour = { renameReplaces: script.renameReplaces ?? false, takenAtOnce: script.takenAtOnce ?? false };
  const accept = (client: Connection, socket: Socket) => {
    // A client that breaks off is what many tests are about.
    client.on("error", () => {}).on("authentication", login);
    client.on("ready", () => {
      sessions += 1;
      client.on("session", (acceptSession) => {
        acceptSession().on("sftp", (acceptSftp) => {
          const end = (how: "fin" | "rst") => void (how === "rst" ? socket.resetAndDestroy() : socket.end());
          serveSftp(acceptSftp(), sftpFiles(tree, behaviour), world, end);
        });
      });
    });
  };

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket.on("close", () => sockets.delete(socket)).on("error", () => {}));
    // A server of ssh2's own for each connection, fed by hand: ssh2 keeps the socket to itself, and a test must reset it.
    const ssh = new ssh2.Server({ ...script.ssh, hostKeys: [hostKey] }, (client) => accept(client, socket));
    ssh.injectSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");

  return {
    ...{
      host: "127.0.0.1",
      port: address.port,
      user,
      password,
      fingerprint: fingerprintOf(hostKey),
      requests: requests.lines,
    },
    ...{ files: tree.files, folders: tree.folders, modified: tree.modified, events: tree.events },
    get sessions() {
      return sessions;
    },
    waitFor: requests.waitFor,
    disconnect(how) {
      for (const socket of sockets) how === "rst" ? socket.resetAndDestroy() : socket.end();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function loginOf(user: string, password: string, script: SftpScript): (attempt: AuthContext) => void {
  const methods = [...(script.methods ?? (["password"] as const))];
  const known = script.clientKey === undefined ? undefined : publicKey(script.clientKey);
  return (attempt) => {
    const isOffered = attempt.method !== "none" && attempt.method !== "hostbased" && methods.includes(attempt.method);
    if (!isOffered || attempt.username !== user) return attempt.reject(methods);
    if (attempt.method === "password" && attempt.password === password) return attempt.accept();
    if (attempt.method === "publickey" && known?.getPublicSSH().equals(attempt.key.data)) {
      const { blob, signature, hashAlgo } = attempt;
      const isProbe = signature === undefined || blob === undefined;
      if (isProbe || known.verify(blob, signature, hashAlgo) === true) return attempt.accept();
    }
    if (attempt.method === "keyboard-interactive") {
      return attempt.prompt([{ prompt: "Password: ", echo: false }], ([answer]) => {
        if (answer === password) attempt.accept();
        else attempt.reject(methods);
      });
    }
    attempt.reject(methods);
  };
}

function fingerprintOf(hostKey: string): string {
  const digest = createHash("sha256").update(publicKey(hostKey).getPublicSSH()).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

function publicKey(text: string): ssh2.ParsedKey {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) throw key;
  return key;
}
