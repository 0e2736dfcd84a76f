import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { AgentError } from "../../base/errors.js";
import type { OpenContext } from "../driver.js";
import type { ControlChannel } from "./control.js";
import { type FtpReply, isRefusal } from "./replies.js";
import type { FtpDefinition } from "./schema.js";
import { beginTls, checkVersion, describeTls, handshake, shown, type TlsSettings } from "./tls.js";
import { refusal } from "./translate.js";

/** AUTH TLS or AUTH SSL; the other one when the first is refused. Never a login in clear instead. */
export async function requestTls(channel: ControlChannel, definition: FtpDefinition): Promise<void> {
  const names = definition.encryption.protocol === "ssl" ? ["SSL", "TLS"] : ["TLS", "SSL"];
  let last: FtpReply | undefined;
  for (const name of names) {
    // One after the other: the second is only for a server that refuses the first.
    last = await channel.ask(`AUTH ${name}`);
    if (!isRefusal(last)) return;
    if (!channel.alive || last.code < 500) throw refusal(last, `AUTH ${name}`);
  }
  throw new AgentError("FERRY_TLS_REFUSED", `${definition.address} refuses TLS (AUTH)`, { cause: last?.message });
}

/** Puts TLS on the control connection and has the certificate judged: no credential has been sent by then. */
export async function secureControl(
  channel: ControlChannel,
  raw: Socket,
  settings: TlsSettings,
  definition: FtpDefinition,
  context: OpenContext,
): Promise<TLSSocket> {
  const { address, port, encryption, timeout } = definition;
  if (channel.death) throw channel.death;
  if (!channel.isQuiet) {
    throw channel.outOfStep("bytes came in clear between AUTH and TLS", { code: 0, message: "", lines: [] });
  }
  const hint =
    encryption.mode === "implicit"
      ? "is the server's TLS explicit? then set `encryption.mode: explicit` and port 21"
      : undefined;
  const secure = beginTls(raw, settings, undefined);
  const abort = (): void =>
    void secure.destroy(new AgentError("FERRY_CANCELLED", "cancelled during the TLS handshake"));
  context.signal.addEventListener("abort", abort, { once: true });
  try {
    await handshake(secure, address, context.clock, timeout.connect, hint);
    checkVersion(secure, settings, address);
    // A TLS 1.2 session is there at once; the tickets of 1.3 come with the first words.
    if (secure.getProtocol() !== "TLSv1.3") settings.ticket ??= secure.getSession();
    const facts = shown(secure, settings, address, port, "control");
    context.transcript.note(describeTls(secure, facts.certificate, context.trust.certificate(facts)));
  } catch (error) {
    secure.destroy();
    throw error;
  } finally {
    context.signal.removeEventListener("abort", abort);
  }
  channel.attach(secure);
  return secure;
}

/**
 * PBSZ and PROT, before the login where the server lets us: a refusal then costs no credential.
 * False when the server wants the login first.
 */
export async function protect(channel: ControlChannel, wanted: "P" | "C", isLoggedIn: boolean): Promise<boolean> {
  for (const command of ["PBSZ 0", `PROT ${wanted}`]) {
    const reply = await channel.ask(command);
    if (!isRefusal(reply)) continue;
    if (!channel.alive) throw refusal(reply, command);
    if (!isLoggedIn && (reply.code === 530 || reply.code === 503)) return false;
    // What counts is PROT's answer: PBSZ is a formality of TLS.
    if (command === "PBSZ 0") continue;
    if (wanted === "C") {
      throw new AgentError(
        "FERRY_TLS_PROTECTION_REFUSED",
        `${channel.options.host} refuses clear data connections (PROT C)`,
        {
          cause: reply.message,
          hint: "set `encryption.dataChannel: true`",
        },
      );
    }
    const message = `${channel.options.host} refuses to protect data connections (PROT P)`;
    throw new AgentError("FERRY_TLS_PROTECTION_REFUSED", message, { cause: reply.message });
  }
  return true;
}
