import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { SecureVersion } from "node:tls";
import { createSecureContext } from "node:tls";
import type { Reply } from "./scripted/ftp-control.js";
import type { Cut } from "./scripted/ftp-data.js";
import { type Answer, type FtpWorld, serveFtp } from "./scripted/ftp-session.js";
import { createTree, type Tree } from "./scripted/tree.js";
import { type Received, received } from "./scripted/wait-for.js";

export type { Reply } from "./scripted/ftp-control.js";
export type { Cut } from "./scripted/ftp-data.js";
export type { Answer, FtpSession } from "./scripted/ftp-session.js";

export interface FtpTls {
  /** Default explicit. */
  readonly mode?: "explicit" | "implicit";
  /** PEM texts, for instance of `serverCertificate()`. */
  readonly cert: string;
  readonly key: string;
  /** A data connection must resume a TLS session of this server. Default false. */
  readonly requireReuse?: boolean;
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
}

/** Verbs, in capitals, are answered as scripted; all others as a well-behaved server does. */
export interface FtpScript {
  readonly [verb: Uppercase<string>]: Answer;
  /** Null: the server accepts the connection and says nothing. */
  readonly greeting?: Reply | null;
  readonly tls?: FtpTls;
  /** The lines of FEAT. */
  readonly features?: readonly string[];
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly folders?: readonly string[];
  readonly cut?: Cut;
  /** Verbs that are never answered. */
  readonly stallAt?: string | readonly string[];
  /** Every byte of a reply in a packet of its own. */
  readonly bytewise?: boolean;
  /** A partner takes every file away in the moment it is renamed. */
  readonly takenAtOnce?: boolean;
}

export interface ScriptedFtp extends Pick<Tree, "files" | "folders" | "modified" | "events"> {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Any user and password are right unless USER or PASS is scripted; these are for the asking. */
  readonly user: string;
  readonly password: string;
  /** Every line received on any control connection, in order. */
  readonly commands: readonly string[];
  /** For each session, every line either way as the client sees it: `> USER anna`, `< 331 password please`. */
  readonly wire: readonly (readonly string[])[];
  /** How many control connections there have been. */
  readonly sessions: number;
  readonly waitFor: Received["waitFor"];
  /** Cuts every control connection that is open. */
  disconnect(how: "fin" | "rst"): void;
  close(): Promise<void>;
}

/** A server that behaves well except where the script says otherwise. Only for replies that no real server gives. */
export async function scriptedFtp(script: FtpScript = {}): Promise<ScriptedFtp> {
  const commands = received();
  const wire: string[][] = [];
  const sockets = new Set<Socket>();
  const tree = createTree(script.files ?? {}, () => commands.lines.length);
  for (const folder of script.folders ?? []) tree.folders.add(folder);
  const world = worldOf(script, tree, commands.add);

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket.on("close", () => sockets.delete(socket)));
    const lines: string[] = [];
    serveFtp(socket, wire.push(lines), world, lines);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");

  return {
    ...{ host: "127.0.0.1", port: address.port, user: "anna", password: "pear tree", commands: commands.lines, wire },
    ...{ files: tree.files, folders: tree.folders, modified: tree.modified, events: tree.events },
    get sessions() {
      return wire.length;
    },
    waitFor: commands.waitFor,
    disconnect(how) {
      for (const socket of sockets) how === "rst" ? socket.resetAndDestroy() : socket.end();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function worldOf(script: FtpScript, tree: Tree, received: (line: string) => void): FtpWorld {
  const { tls, cut } = script;
  let cutsLeft = cut?.times ?? 1;
  const { cert, key, mode = "explicit", requireReuse = false, ...versions } = tls ?? { cert: "", key: "" };
  // Data connections share the context: that is what lets them resume the control connection's session.
  const context = tls && createSecureContext({ cert, key, ...versions, sessionIdContext: "ferry" });
  return {
    ...{ tree, received, answers: script as FtpWorld["answers"] },
    greeting: script.greeting === undefined ? "220 ready" : script.greeting,
    features: script.features ?? [...usualFeatures, ...(tls ? ["AUTH TLS", "PBSZ", "PROT"] : [])],
    stallAt: [script.stallAt ?? []].flat(),
    bytewise: script.bytewise ?? false,
    takenAtOnce: script.takenAtOnce ?? false,
    tls: context && { mode, context, requireReuse },
    cutFor: (verb) => (cutsLeft > 0 && (cut?.verbs ?? ["STOR", "APPE", "RETR"]).includes(verb) ? cut : undefined),
    cutHappened() {
      cutsLeft -= 1;
    },
  };
}

const usualFeatures = ["EPSV", "MDTM", "MFMT", "MLST type*;size*;modify*;", "REST STREAM", "SIZE", "TVFS", "UTF8"];
