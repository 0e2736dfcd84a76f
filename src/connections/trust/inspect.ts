import type { Clock } from "../../base/clock.js";
import { AgentError } from "../../base/errors.js";
import { silentTranscript, type Transcript } from "../../base/transcript.js";
import type { OpenContext } from "../driver.js";
import { type ConnectionDefinition, driverOf } from "../registry.js";
import {
  certificateFingerprint,
  certificateNames,
  certificateProblems,
  day,
  keyFingerprint,
  nameOf,
} from "./certificate.js";
import { describeHostKey } from "./host-key.js";
import type { ShownCertificate, ShownHostKey, TrustPolicy } from "./policy.js";
import type { AcceptedIdentity } from "./store.js";

/** What a server shows of itself, ready to be kept by `TrustStore.accept`. */
export interface ShownIdentity extends AcceptedIdentity {
  /** What is wrong with a certificate, in words; empty when it would be trusted as it is. A host key has nothing to go by. */
  readonly problems: readonly string[];
}

export interface InspectOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The folder that relative paths of the definition start at. */
  readonly workspace?: string;
  readonly transcript?: Transcript;
  /** A server has several host keys, and only one is asked for: the others are looked at, too, until one is this. */
  readonly wanted?: (identity: ShownIdentity) => boolean;
}

/**
 * Connects as the driver does, as far as the server's certificate or host key, and gives up there: nobody logs in, and
 * no credential is even at hand.
 */
export async function inspectServer(definition: ConnectionDefinition, options: InspectOptions): Promise<ShownIdentity> {
  if (!showsItself(definition)) {
    throw new AgentError("FERRY_USAGE", "a connection without encryption shows nothing that could be trusted", {
      hint: "set `encryption.protocol: tls`, if the server has it",
    });
  }
  let seen: ShownIdentity | undefined;
  let other: ShownIdentity | undefined;
  const stop = (identity: ShownIdentity): never => {
    seen = identity;
    throw new AgentError("FERRY_CANCELLED", "the server was only looked at");
  };
  const trust: TrustPolicy = {
    certificate: (shown) => stop(certificateIdentity(shown, options.clock.now())),
    hostKey(shown) {
      const identity = hostKeyIdentity(shown);
      if (options.wanted?.(identity) ?? true) return stop(identity);
      other ??= identity;
      throw new AgentError("FERRY_HOST_KEY_UNKNOWN", "another host key is wanted");
    },
  };
  const withoutLogin = withoutCredentials(definition);
  try {
    const session = await driverOf(withoutLogin).open(withoutLogin, contextFor(options, trust));
    await session.close();
  } catch (error) {
    seen ??= other;
    if (!seen) throw error;
  }
  if (!seen) throw new AgentError("FERRY_BUG", "the driver opened a session without having the server judged");
  return seen;
}

function contextFor(
  { clock, signal, workspace, transcript = silentTranscript }: InspectOptions,
  trust: TrustPolicy,
): OpenContext {
  const none = {
    password: undefined,
    account: undefined,
    passphrase: undefined,
    privateKey: undefined,
    proxyPassword: undefined,
  };
  return {
    name: "inspect",
    number: 1,
    clock,
    signal,
    transcript,
    trust,
    secrets: none,
    ...(workspace !== undefined && { workspace }),
  };
}

function showsItself(definition: ConnectionDefinition): boolean {
  return definition.protocol === "sftp" || (definition.protocol === "ftp" && definition.encryption.protocol !== "none");
}

function withoutCredentials(definition: ConnectionDefinition): ConnectionDefinition {
  switch (definition.protocol) {
    case "ftp":
      return { ...definition, certificates: { ...definition.certificates, client: undefined } };
    case "sftp":
      return { ...definition, privateKey: undefined, agent: false };
    case "local":
      return definition;
  }
}

/** What a person compares before accepting a certificate. */
export function certificateIdentity(shown: ShownCertificate, now: Date): ShownIdentity {
  const { host, port, certificate } = shown;
  const problems = certificateProblems(shown, now).map(({ message }) => message);
  const detail = {
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    names: certificateNames(certificate).join(", "),
    validFrom: day(new Date(certificate.valid_from)),
    validTo: day(new Date(certificate.valid_to)),
    key: `spki-sha256:${keyFingerprint(certificate)}`,
    ...(problems.length > 0 && { problem: problems.join("; ") }),
  };
  return { host, port, kind: "certificate", fingerprint: certificateFingerprint(certificate), detail, problems };
}

function hostKeyIdentity({ host, port, key }: ShownHostKey): ShownIdentity {
  const { type, fingerprint } = describeHostKey(key);
  return { host, port, kind: "host-key", fingerprint, detail: { type }, problems: [] };
}
