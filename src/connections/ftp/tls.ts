import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isIP, type Socket } from "node:net";
import { resolve } from "node:path";
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type PeerCertificate,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from "node:tls";
import type { Clock } from "../../base/clock.js";
import { AgentError } from "../../base/errors.js";
import { visible } from "../../base/names.js";
import type { OpenContext } from "../driver.js";
import type { ShownCertificate } from "../trust/policy.js";
import type { FtpDefinition } from "./schema.js";
import { offeredVersions, type TlsVersion } from "./schema-security.js";
import { tlsFailure } from "./translate.js";

const OLDEST_FIRST: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** Where systems keep the authorities that they trust. */
const SYSTEM_AUTHORITIES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
];

/** What all TLS connections of one session share. */
export interface TlsSettings {
  readonly context: SecureContext;
  /** The name that the certificate must carry. */
  readonly expectedName: string;
  readonly versions: readonly TlsVersion[];
  readonly resume: boolean;
  /** The newest ticket of the control connection or of any data connection: TLS 1.3 tickets may be good for one use only. */
  ticket: Buffer | undefined;
}

export async function tlsSettings(
  definition: FtpDefinition,
  { secrets, workspace }: Pick<OpenContext, "secrets" | "workspace">,
): Promise<TlsSettings> {
  const { encryption, certificates, address } = definition;
  const files = await certificateFiles(definition, secrets, (path) => resolve(workspace ?? ".", path));
  try {
    return {
      context: contextFor({ ...protocolOptions(encryption), ...files }),
      expectedName: certificates.serverName || address,
      versions: wantedVersions(encryption),
      resume: encryption.sessionResumption,
      ticket: undefined,
    };
  } catch (error) {
    const hint = "a PKCS#12 file of old make can be converted with `openssl pkcs12 -legacy`";
    throw new AgentError("FERRY_CLIENT_CERTIFICATE", "certificates.client cannot be used", { cause: error, hint });
  }
}

const MOST_CONTEXTS = 32;
const contexts = new Map<string, SecureContext>();

/** Reading all authorities takes 50 ms of the processor, so that what did not change is used again. */
function contextFor(options: SecureContextOptions): SecureContext {
  const hash = createHash("sha256");
  for (const [name, value] of Object.entries(options))
    hash.update(`${name}:`).update(Buffer.isBuffer(value) ? value : String(value));
  const key = hash.digest("hex");
  const context = contexts.get(key) ?? createSecureContext(options);
  const [oldest] = contexts.keys();
  if (contexts.size >= MOST_CONTEXTS && oldest !== undefined && !contexts.has(key)) contexts.delete(oldest);
  contexts.set(key, context);
  return context;
}

function wantedVersions({ autoAdjustCiphers, ciphers, versions }: FtpDefinition["encryption"]): readonly TlsVersion[] {
  return autoAdjustCiphers || !ciphers ? versions : offeredVersions(versions, ciphers);
}

/**
 * The versions from the oldest to the newest that is wanted. A version left out in between is offered, too, and refused
 * by `checkVersion`: told of a hole, OpenSSL would offer nothing above it, and the oldest version would be used.
 */
export function protocolOptions(encryption: FtpDefinition["encryption"]): SecureContextOptions {
  const ciphers = encryption.autoAdjustCiphers ? undefined : encryption.ciphers;
  const wanted = OLDEST_FIRST.filter((version) => wantedVersions(encryption).includes(version));
  // OpenSSL 3 has the signatures of TLS 1.0 and 1.1 at level 0 only.
  const level = wanted.includes("TLSv1") || wanted.includes("TLSv1.1") ? ["@SECLEVEL=0"] : [];
  const list = [...(ciphers ?? (level.length > 0 ? ["DEFAULT"] : [])), ...level];
  return {
    minVersion: wanted.at(0) ?? "TLSv1.2",
    maxVersion: wanted.at(-1) ?? "TLSv1.3",
    ...(list.length > 0 ? { ciphers: list.join(":") } : {}),
  };
}

/** Throws when the server chose a version that the definition leaves out; nothing has been sent by then. */
export function checkVersion(secure: TLSSocket, { versions }: TlsSettings, host: string): void {
  const chosen = secure.getProtocol() ?? "nothing";
  if (versions.some((version) => version === chosen)) return;
  secure.destroy();
  throw new AgentError(
    "FERRY_TLS_VERSION",
    `${host}: the server chose ${chosen}, which \`encryption.versions\` leaves out`,
  );
}

async function certificateFiles(
  { certificates }: FtpDefinition,
  secrets: OpenContext["secrets"],
  inWorkspace: (path: string) => string,
): Promise<SecureContextOptions> {
  const system = SYSTEM_AUTHORITIES.filter((path) => existsSync(path)).slice(0, 1);
  const more = await Promise.all(
    [...system, ...certificates.ca.map(inWorkspace)].map((path) => read(path, "certificates.ca")),
  );
  const ca = [...(system.length > 0 ? [] : rootCertificates), ...more.map((pem) => pem.toString("latin1"))];
  const { client } = certificates;
  if (client === undefined || typeof client === "string") return { ca };
  const passphrase = secrets.passphrase ? { passphrase: secrets.passphrase.reveal() } : {};
  if ("pfx" in client) {
    return { ca, pfx: await read(inWorkspace(client.pfx), "certificates.client"), ...passphrase };
  }
  const [cert, key] = await Promise.all(
    [client.cert, client.key].map((path) => read(inWorkspace(path), "certificates.client")),
  );
  return { ca, cert, key, ...passphrase };
}

async function read(path: string, key: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw new AgentError("FERRY_FILE_NOT_FOUND", `${key}: ${path} cannot be read`, { cause: error });
  });
}

/** Begins TLS on `socket`. Nothing is verified by Node: `judge` does it once the handshake is done, and before anything is sent. */
export function beginTls(socket: Socket, settings: TlsSettings, ticket: Buffer | undefined): TLSSocket {
  const { context, expectedName } = settings;
  const options: ConnectionOptions = {
    socket,
    secureContext: context,
    rejectUnauthorized: false,
    // Names are judged by the trust policy; here only OpenSSL's verdict of the chain is wanted.
    checkServerIdentity: () => undefined,
    // The same on every connection of the session: newer Node binds TLS sessions to them.
    host: expectedName,
    ...(isIP(expectedName) ? {} : { servername: expectedName }),
    ...(ticket ? { session: ticket } : {}),
  };
  const secure = connect(options);
  secure.on("session", (fresh) => {
    settings.ticket = fresh;
  });
  return secure;
}

/** Resolves when the handshake is done; rejects with what went wrong, in the catalogue's words. */
export function handshake(secure: TLSSocket, host: string, clock: Clock, ms: number, hint?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      timer.cancel();
      secure.off("secureConnect", done).off("error", settle).off("close", closed);
      if (!error) resolve();
      else {
        secure.on("error", () => {}).destroy();
        reject(tlsFailure(error, host, hint));
      }
    };
    const done = (): void => settle();
    const closed = (): void => settle(new Error("the connection was closed during the TLS handshake"));
    const timer = clock.timer(ms, () => {
      settle(new AgentError("FERRY_CONNECT_TIMEOUT", `${host}: no TLS handshake within ${ms} ms (timeout.connect)`));
    });
    secure.once("secureConnect", done).once("error", settle).once("close", closed);
  });
}

/** What the peer showed, for the trust policy. */
export function shown(
  secure: TLSSocket,
  settings: TlsSettings,
  host: string,
  port: number,
  channel: "control" | "data",
): ShownCertificate {
  // Node types it as an Error; it is the code, UNABLE_TO_VERIFY_LEAF_SIGNATURE.
  const chainError = secure.authorizationError ? String(secure.authorizationError) : undefined;
  return {
    host,
    port,
    expectedName: settings.expectedName,
    certificate: secure.getPeerCertificate(true),
    chainError,
    channel,
  };
}

/** `TLSv1.3 TLS_AES_256_GCM_SHA384, certificate CN=ftp.bank.example sha256:9f2c…, verified`. */
export function describeTls(secure: TLSSocket, certificate: PeerCertificate, verdict: string): string {
  const name = visible(String(certificate.subject?.CN ?? certificate.subjectaltname ?? "without a name"));
  return `${secure.getProtocol()} ${secure.getCipher().name}, certificate CN=${name} sha256:${sha256Of(certificate)}, ${verdict}`;
}

export function sha256Of(certificate: PeerCertificate): string {
  return (certificate.fingerprint256 ?? "").replaceAll(":", "").toLowerCase();
}
