import { AgentError } from "../../base/errors.js";
import { safeRemotePath } from "../../base/names.js";
import { defineDriver, type OpenContext } from "../driver.js";
import { guarded } from "../guarded.js";
import type { RemoteSession, SessionFacts } from "../session.js";
import { hostKeyAlgorithms } from "./algorithms.js";
import { emptyHandshake } from "./handshake.js";
import { credentialsOf } from "./login.js";
import { type Channel, openChannel } from "./open.js";
import { createRequests, type Requests } from "./requests.js";
import { type SftpDefinition, sftpSchema } from "./schema.js";
import { sftpSession } from "./session.js";
import { stepsOf } from "./steps.js";
import { notSupported } from "./warnings.js";

/** Files over SSH: version 3 of SFTP, as every server has it. */
export const sftpDriver = defineDriver({ type: "sftp", schema: sftpSchema, open });

async function open(definition: SftpDefinition, context: OpenContext): Promise<RemoteSession> {
  const [missing] = notSupported(definition);
  if (missing) throw new AgentError("FERRY_NOT_SUPPORTED", missing.message, { hint: missing.hint });
  const channel = await openTrusted(definition, context);
  const { socket, sftp: wrapper, lifeline } = channel;
  const where = `${definition.address}:${definition.port}`;
  const common = { lifeline, transcript: context.transcript, timeout: definition.timeout, where, sftp: wrapper };
  const requests = createRequests(common);
  const facts = factsOf(channel, requests); // before an end of the connection makes the socket forget its peer
  try {
    const base = await settle(requests, definition, context);
    const transfer = { ...common, requests, clock: context.clock, socket };
    const session = sftpSession({
      number: context.number,
      facts,
      base,
      transfer,
      transcript: context.transcript,
      close: channel.goodbye,
    });
    return guarded(session, context.transcript);
  } catch (error) {
    await channel.goodbye();
    throw error;
  }
}

/**
 * A server has several host keys, and shows the one that is asked for first. Those that we know are asked for first;
 * where the shown one is refused, the others are looked at, each on a connection of its own, before anybody logs in.
 */
async function openTrusted(definition: SftpDefinition, context: OpenContext): Promise<Channel> {
  const credentials = credentialsOf(definition, context.secrets);
  let left = inOrder(
    hostKeyAlgorithms(definition.algorithms),
    context.trust.hostKeyTypes?.(definition.address, definition.port) ?? [],
  );
  let first: AgentError | undefined;
  for (;;) {
    const handshake = emptyHandshake();
    try {
      return await openChannel(definition, credentials, context, left, handshake);
    } catch (error) {
      // A later connection that did not even come to a host key has nothing to tell.
      const cameToKey = handshake.hostKey !== undefined;
      if (!isHostKeyRefusal(error)) throw cameToKey ? error : (first ?? error);
      first ??= error;
      left = left.filter((algorithm) => keyTypeOf(algorithm) !== handshake.hostKey?.type);
      if (left.length === 0) throw first;
    }
  }
}

function inOrder(algorithms: readonly string[], knownTypes: readonly string[]): readonly string[] {
  const isKnown = (algorithm: string): boolean => knownTypes.includes(keyTypeOf(algorithm));
  return [...algorithms.filter(isKnown), ...algorithms.filter((algorithm) => !isKnown(algorithm))];
}

/** An RSA key is one key, whichever hash it signs with. */
function keyTypeOf(algorithm: string): string {
  return algorithm.startsWith("rsa-sha2-") ? "ssh-rsa" : algorithm;
}

function isHostKeyRefusal(error: unknown): error is AgentError {
  return (
    error instanceof AgentError && (error.code === "FERRY_HOST_KEY_UNKNOWN" || error.code === "FERRY_HOST_KEY_CHANGED")
  );
}

/** Finds the folder that relative paths start at: the definition's, else the one that the login leads to. */
async function settle(requests: Requests, definition: SftpDefinition, context: OpenContext): Promise<string> {
  const steps = stepsOf(context);
  const base = await requests.realpath(definition.directory ? safeRemotePath(definition.directory) : ".");
  if (definition.directory && !(await requests.stat(base)).isDirectory()) {
    throw new AgentError("FERRY_REMOTE_NOT_FOUND", `${definition.directory} is not a folder`, {
      hint: "check `directory`",
    });
  }
  steps.done("directory", base);
  return base;
}

function factsOf({ socket, handshake }: Channel, { extensions }: Requests): SessionFacts {
  return {
    address: `${socket.remoteAddress}:${socket.remotePort}`,
    tlsVersion: undefined,
    cipher: handshake.cipher,
    resumed: undefined,
    certificateSha256: undefined,
    hostKeySha256: handshake.hostKey?.fingerprint,
    features: extensions,
  };
}
