import type { Socket } from "node:net";
import type { Client, NegotiatedAlgorithms } from "ssh2";
import { AgentError } from "../../base/errors.js";
import { visible } from "../../base/names.js";
import type { Transcript } from "../../base/transcript.js";
import { describeHostKey } from "../trust/host-key.js";
import type { TrustPolicy } from "../trust/policy.js";
import { isStrictKeyExchange } from "./library.js";
import type { SftpDefinition } from "./schema.js";

/** What the key exchange brought to light. */
export interface Handshake {
  hostKey: { readonly type: string; readonly fingerprint: string } | undefined;
  cipher: string | undefined;
  /** Why the host key was refused. */
  refusal: AgentError | undefined;
  /** The first line that the server wrote: `SSH-2.0-…`, or something that is no SSH at all. */
  greeting: string | undefined;
}

export function emptyHandshake(): Handshake {
  return { hostKey: undefined, cipher: undefined, refusal: undefined, greeting: undefined };
}

/** Judges the host key in each key exchange. ssh2 sends no credential before it was accepted. */
export function hostVerifier(
  definition: SftpDefinition,
  trust: TrustPolicy,
  transcript: Transcript,
  handshake: Handshake,
): (key: Buffer) => boolean {
  return (key) => {
    const shown = describeHostKey(key);
    try {
      const word = trust.hostKey({ host: definition.address, port: definition.port, key });
      // A later exchange on the same connection shows the same key: once is enough to tell.
      if (handshake.hostKey?.fingerprint !== shown.fingerprint)
        transcript.note(`host key ${shown.type} ${shown.fingerprint}, ${word}`, "ssh");
      handshake.hostKey = shown;
      return true;
    } catch (error) {
      transcript.note(`host key ${shown.type} ${shown.fingerprint}, refused`, "ssh");
      handshake.hostKey = shown;
      handshake.refusal =
        error instanceof AgentError
          ? error
          : new AgentError("FERRY_BUG", "the host key could not be judged", { cause: error });
      return false;
    }
  };
}

/** Records what was agreed on; tells what makes it too weak to go on. */
export function recordAgreement(
  client: Client,
  definition: SftpDefinition,
  agreed: NegotiatedAlgorithms,
  transcript: Transcript,
): AgentError | undefined {
  const { kex, serverHostKey, cs } = agreed;
  const parts = [
    kex,
    serverHostKey,
    cs.cipher,
    ...(cs.mac ? [cs.mac] : []),
    ...(cs.compress === "none" ? [] : [cs.compress]),
  ];
  transcript.note(parts.join(" "), "ssh");
  // Without the strict exchange an attacker can remove packets from the beginning of these two (Terrapin).
  const exposed = cs.cipher.startsWith("chacha20") || (cs.cipher.endsWith("-cbc") && cs.mac.includes("-etm"));
  if (!exposed || isStrictKeyExchange(client) || definition.algorithms.cipher !== "auto") return undefined;
  return new AgentError(
    "FERRY_SSH_ALGORITHMS",
    `the server agrees only on ${cs.cipher}, without the strict key exchange that makes it safe`,
    {
      hint: `ask the server's owner for an update, or write \`algorithms: { cipher: [${cs.cipher}] }\``,
    },
  );
}

/**
 * Resolves when the server's first line is there whole, and puts it back for ssh2, which loses the middle of a line that
 * comes in three packets or more. A server may say other lines before it (RFC 4253, section 4.2). Rejects when it is none
 * of an SSH server.
 */
export function hearGreeting(socket: Socket, transcript: Transcript, handshake: Handshake): Promise<void> {
  return new Promise((resolve, reject) => {
    let heard = Buffer.alloc(0);
    const listen = (chunk: Buffer): void => {
      heard = Buffer.concat([heard, chunk]);
      const text = heard.toString("latin1");
      const isWhole = /^SSH-[^\n]*\n/m.test(text) || FOREIGN.test(text) || text.length >= LONGEST_PREFACE;
      if (!isWhole) return;
      socket.off("data", listen).pause();
      socket.unshift(heard);
      const greeting = (/^SSH-[^\r\n]*/m.exec(text)?.[0] ?? text.split(/[\r\n]/)[0] ?? "").slice(0, LONGEST_GREETING);
      handshake.greeting = greeting;
      transcript.received(visible(greeting), "ssh");
      if (FOREIGN.test(text)) reject(noSshServer(greeting));
      else resolve();
    };
    socket.on("data", listen);
  });
}

/** The beginnings of FTP, SMTP, POP, IMAP and HTTP, once a line of it is there. */
const FOREIGN = /^(\d{3}[ -]|\+OK|\* OK|HTTP\/)[^\n]*\n/;
const LONGEST_PREFACE = 8192;
const LONGEST_GREETING = 255;

export function noSshServer(greeting: string): AgentError {
  return new AgentError("FERRY_PROTOCOL", "this is not an SSH server", {
    cause: new Error(visible(greeting)),
    hint: "check `address`, `port` and `protocol`",
  });
}
