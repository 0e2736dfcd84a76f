import { once } from "node:events";
import type { Socket } from "node:net";
import type { Client, ConnectConfig, SFTPWrapper } from "ssh2";
import SftpClient from "ssh2-sftp-client";
import { AgentError } from "../../base/errors.js";
import { visible } from "../../base/names.js";
import type { OpenContext } from "../driver.js";
import { offer } from "./algorithms.js";
import { cancelled, connectSocket, connectTimeout } from "./connect.js";
import { type Stage, sshFailure } from "./failure.js";
import { type Handshake, hearGreeting, hostVerifier, recordAgreement } from "./handshake.js";
import { clientOf } from "./library.js";
import { createLifeline, type Lifeline } from "./lifeline.js";
import { answerQuestions, authHandler, type Credentials } from "./login.js";
import { replyDeadline } from "./requests.js";
import type { SftpDefinition } from "./schema.js";
import { type Steps, stepsOf } from "./steps.js";

export interface Channel {
  readonly socket: Socket;
  readonly sftp: SFTPWrapper;
  readonly lifeline: Lifeline;
  readonly handshake: Handshake;
  /** Says good-bye and closes, within two seconds. */
  goodbye(): Promise<void>;
}

/** What one opening is about, handed down through its steps. */
interface Opening {
  readonly definition: SftpDefinition;
  readonly credentials: Credentials;
  readonly context: OpenContext;
  readonly where: string;
  readonly handshake: Handshake;
  readonly steps: Steps;
  stage: Stage;
}

/** Connects, has the host key judged, logs in, and opens the SFTP subsystem. Rejects with everything closed. */
export async function openChannel(
  definition: SftpDefinition,
  credentials: Credentials,
  context: OpenContext,
  hostKeys: readonly string[],
  handshake: Handshake,
): Promise<Channel> {
  const where = `${definition.address}:${definition.port}`;
  const opening: Opening = {
    definition,
    credentials,
    context,
    where,
    handshake,
    steps: stepsOf(context),
    stage: "handshake",
  };
  const socket = await connectSocket(definition, context);
  const peer = `${socket.remoteAddress}:${socket.remotePort}`;
  context.transcript.note(`connected to ${peer} in ${opening.steps.done("connect", peer)} ms`, "ssh");

  const library = new SftpClient("ferry", {});
  const client = clientOf(library);
  const lifeline = attach(client, socket, opening);
  const deadlines = followStages(client, lifeline, opening);
  try {
    await lifeline.during(() => hearGreeting(socket, context.transcript, handshake));
    const connecting = library.connect({ ...settings(opening, hostKeys), sock: socket });
    connecting.catch(() => {}); // its errors lose their origin; `attach` has heard them first
    socket.resume();
    const sftp = await lifeline.during(() => connecting);
    opening.stage = "open";
    context.transcript.received("OK", "ssh");
    const lost = (reason: string) => (): void => lifeline.cut(sshFailure(new Error(reason), "open", where, handshake));
    sftp.on("error", (error: Error) =>
      lifeline.cut(new AgentError("FERRY_PROTOCOL", `${where} sent what is no SFTP`, { cause: error })),
    );
    sftp.on("close", lost("the server closed the SFTP session"));
    return { socket, sftp, lifeline, handshake, goodbye: () => goodbye(client, socket, lifeline, context) };
  } catch (error) {
    const reason = error instanceof AgentError ? error : sshFailure(error as Error, opening.stage, where, handshake);
    lifeline.cut(reason);
    throw reason;
  } finally {
    deadlines.cancel();
  }
}

/** Ties the connection's life to its socket, its signal, and the errors of ssh2. */
function attach(client: Client, socket: Socket, opening: Opening): Lifeline {
  const { context, where, handshake } = opening;
  const { signal } = context;
  const lifeline = createLifeline(context.clock, where, () => {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  });
  const abort = (): void => lifeline.cut(cancelled(where, signal));
  const fail = (error: Error): void => lifeline.cut(sshFailure(error, opening.stage, where, handshake));
  client.on("error", fail);
  socket.on("error", fail);
  socket.once("close", () => fail(new Error("the server closed the connection")));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  return lifeline;
}

/** Follows ssh2 from stage to stage, each under its own deadline. */
function followStages(client: Client, lifeline: Lifeline, opening: Opening): { cancel(): void } {
  const { definition, credentials, context, where, handshake, steps } = opening;
  const { transcript, clock } = context;
  let timer = clock.timer(definition.timeout.connect, () =>
    lifeline.cut(connectTimeout(where, definition.timeout.connect)),
  );
  client.on("handshake", (agreed) => {
    const weak = recordAgreement(client, definition, agreed, transcript);
    if (weak) return lifeline.cut(weak);
    if (opening.stage !== "handshake") return; // keys are exchanged anew from time to time
    opening.stage = "login";
    handshake.cipher = agreed.cs.cipher;
    steps.done("host-key", `${handshake.hostKey?.type} ${handshake.hostKey?.fingerprint}`);
    const reply = replyDeadline(definition.timeout, where);
    timer.cancel();
    timer = clock.timer(reply.ms, () => lifeline.cut(reply.expired()));
  });
  client.on("banner", (message: string) => {
    for (const line of message.slice(0, LONGEST_BANNER).trimEnd().split(/\r?\n/))
      transcript.received(`BANNER ${visible(line)}`, "ssh");
  });
  client.on("ready", () => {
    opening.stage = "subsystem";
    transcript.received("AUTH accepted", "ssh");
    steps.done("login", credentials.username);
    transcript.sent("SUBSYSTEM sftp", "ssh");
    timer.refresh();
  });
  answerQuestions(client, credentials.password, transcript, lifeline.cut);
  return { cancel: () => timer.cancel() };
}

const LONGEST_BANNER = 4096;

function settings(
  { definition, credentials, context, handshake }: Opening,
  hostKeys: readonly string[],
): ConnectConfig {
  const { keepAlive } = definition;
  return {
    ident: "Ferry",
    username: credentials.username,
    algorithms: offer(definition.algorithms, hostKeys),
    hostVerifier: hostVerifier(definition, context.trust, context.transcript, handshake),
    authHandler: authHandler(credentials, context.transcript),
    tryKeyboard: credentials.password !== undefined,
    readyTimeout: 0, // the deadlines are ours
    ...(keepAlive !== "off" && { keepaliveInterval: keepAlive, keepaliveCountMax: NEVER }),
  };
}

/** Keep-alives keep firewalls awake. They do not judge: on a slow line their answers wait behind a transfer's data. */
const NEVER = Number.MAX_SAFE_INTEGER;

async function goodbye(
  client: Client,
  socket: Socket,
  lifeline: Lifeline,
  { clock, transcript }: OpenContext,
): Promise<void> {
  if (!lifeline.alive) return;
  const closed = once(socket, "close").catch(() => {});
  const timer = clock.timer(LONGEST_GOODBYE_MS, () => socket.destroy());
  transcript.sent("DISCONNECT", "ssh");
  client.end();
  await closed;
  timer.cancel();
}

const LONGEST_GOODBYE_MS = 1900;
