import { isIPv6, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { AgentError } from "../../base/errors.js";
import { defineDriver, type OpenContext, type OpenStepName } from "../driver.js";
import { guarded } from "../guarded.js";
import type { RemoteSession, SessionFacts } from "../session.js";
import { dial } from "./connect.js";
import { ControlChannel } from "./control.js";
import type { DataSecurity } from "./data.js";
import { credentialsOf, logIn } from "./login.js";
import { type FtpDefinition, ftpSchema } from "./schema.js";
import { protect, requestTls, secureControl } from "./secure-control.js";
import { ftpSession } from "./session.js";
import { learnFeatures, prepare, settle } from "./settle.js";
import type { FtpState } from "./state.js";
import { sha256Of, type TlsSettings, tlsSettings } from "./tls.js";
import { connectFailure } from "./translate.js";
import { refuseUnsupported } from "./warnings.js";

/** FTP, in clear, with explicit or with implicit TLS. */
export const ftpDriver = defineDriver({ type: "ftp", schema: ftpSchema, open });

async function open(definition: FtpDefinition, context: OpenContext): Promise<RemoteSession> {
  refuseUnsupported(definition, context.name);
  const { clock, transcript, signal } = context;
  const channel = new ControlChannel({ host: definition.address, clock, transcript, timeouts: definition.timeout });
  const abort = (): void => {
    channel.closeWithError(new AgentError("FERRY_CONNECTION_LOST", "cancelled", { cause: signal.reason }));
  };
  signal.addEventListener("abort", abort, { once: true });
  channel.onDeath(() => signal.removeEventListener("abort", abort));
  try {
    return await openOn(channel, definition, context);
  } catch (error) {
    channel.closeWithError(error as Error);
    throw error;
  }
}

async function openOn(
  channel: ControlChannel,
  definition: FtpDefinition,
  context: OpenContext,
): Promise<RemoteSession> {
  const { encryption } = definition;
  const step = steps(context);
  const isEncrypted = encryption.protocol !== "none";
  const tls = isEncrypted ? await tlsSettings(definition, context) : undefined;

  const raw = await step(
    "connect",
    () => connectTo(definition, context),
    (socket) => peerOf(socket),
  );
  const peer = raw.remoteAddress ?? definition.address;
  const secured = (): Promise<TLSSocket> =>
    step("tls", () => secureControl(channel, raw, tls as TlsSettings, definition, context), describe);
  let secure: TLSSocket | undefined;
  if (tls && encryption.mode === "implicit") secure = await secured();
  else channel.attach(raw);
  await step(
    "greeting",
    () => channel.greeting(),
    ({ message }) => message,
  );
  if (tls && encryption.mode === "explicit") {
    await requestTls(channel, definition);
    secure = await secured();
  }

  const level = encryption.dataChannel ? "P" : "C";
  const protectStep = (isLoggedIn: boolean): Promise<boolean> =>
    step(
      "protection",
      () => protect(channel, level, isLoggedIn),
      (done) => (done ? `PROT ${level}` : "after the login"),
    );
  const isProtected = tls ? await protectStep(false) : true;
  await step(
    "login",
    () => logIn(channel, context.name, credentialsOf(definition, context.secrets)),
    ({ message }) => message,
  );
  if (!isProtected) await protectStep(true);

  const features = await step(
    "features",
    () => learnFeatures(channel, definition),
    ({ lines }) => lines.join(", "),
  );
  await prepare(channel, definition, features);
  const base = await step(
    "directory",
    () => settle(channel, definition),
    (folder) => folder,
  );
  const facts = factsOf(raw, secure, features.lines);
  const state: FtpState = {
    ...{ channel, definition, peer: unmapped(peer), features, base, isIpv6: isIPv6(unmapped(peer)) },
    ...{ clock: context.clock, signal: context.signal, transcript: context.transcript },
    ...{ strict: context.strict ?? false, warn: once(context.warn) },
    security: tls && encryption.dataChannel ? dataSecurity(tls, context, facts) : undefined,
    extendedPassive: features.has("EPSV"),
    listsAll: undefined,
  };
  return guarded(ftpSession(context.number, facts, state), context.transcript);
}

function once(warn: OpenContext["warn"] = () => {}): (message: string) => void {
  let told = false;
  return (message) => {
    if (!told) warn(message);
    told = true;
  };
}

async function connectTo(definition: FtpDefinition, { clock, signal, transcript }: OpenContext): Promise<Socket> {
  const { address: host, port, timeout } = definition;
  const started = clock.monotonic();
  const socket = await dial({ host, port, clock, signal, ms: timeout.connect }).catch((error: unknown) => {
    throw connectFailure(error, host, port);
  });
  transcript.note(`connected to ${peerOf(socket)} in ${Math.round(clock.monotonic() - started)} ms`);
  return socket;
}

/** IPv4 on a dual-stack socket is announced as ::ffff:203.0.113.7. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

function peerOf(socket: Socket): string {
  const address = unmapped(socket.remoteAddress ?? "");
  return `${isIPv6(address) ? `[${address}]` : address}:${socket.remotePort}`;
}

function describe(secure: TLSSocket): string {
  return `${secure.getProtocol()} ${secure.getCipher().name}`;
}

type Facts = { -readonly [Key in keyof SessionFacts]: SessionFacts[Key] };

function factsOf(raw: Socket, secure: TLSSocket | undefined, features: readonly string[]): Facts {
  return {
    address: peerOf(raw),
    tlsVersion: secure?.getProtocol() ?? undefined,
    cipher: secure?.getCipher().name,
    resumed: undefined,
    certificateSha256: secure ? sha256Of(secure.getPeerCertificate()) : undefined,
    hostKeySha256: undefined,
    features,
  };
}

function dataSecurity(tls: TlsSettings, { trust }: OpenContext, facts: Facts): DataSecurity {
  const onHandshake = (resumed: boolean): void => {
    facts.resumed = resumed && facts.resumed !== false;
  };
  return { tls, trust, onHandshake };
}

type Step = <T>(name: OpenStepName, work: () => Promise<T>, detail: (result: T) => string) => Promise<T>;

function steps({ clock, onStep }: OpenContext): Step {
  return async (name, work, detail) => {
    const started = clock.monotonic();
    const result = await work();
    onStep?.({ name, durationMs: clock.monotonic() - started, detail: detail(result) });
    return result;
  };
}
