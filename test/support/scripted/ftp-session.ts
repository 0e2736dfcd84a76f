import type { Socket } from "node:net";
import { posix } from "node:path";
import type { Duplex } from "node:stream";
import type { SecureContext } from "node:tls";
import { usualAnswer } from "./ftp-answers.js";
import { type ControlChannel, controlChannel, type Reply } from "./ftp-control.js";
import { type Cut, type DataChannel, DataRefused, dataChannel } from "./ftp-data.js";
import type { Tree } from "./tree.js";

/** Undefined: the function has written what it wanted, or nothing. */
export type Answer =
  | Reply
  | ((argument: string, session: FtpSession) => Reply | undefined | Promise<Reply | undefined>);

/** What an answer may do with its session. */
export interface FtpSession extends ControlChannel {
  /** 1 for the first control connection that the server got. */
  readonly number: number;
  readonly verb: string;
  readonly tree: Tree;
  readonly data: DataChannel;
  /** The working folder, what REST asked for, and what RNFR named. */
  readonly state: { folder: string; offset: number; renaming: string | undefined; protect: boolean };
  /** The absolute path that an argument means. */
  path(argument: string): string;
  /** The answer of a well-behaved server, with its effects; not sent yet, so that it can be withheld or changed. */
  usual(argument?: string): Promise<Reply | undefined>;
  /** Never answers. */
  hang(): Promise<never>;
  /** The client's data connection after TCP; `opening` is sent before its TLS handshake, as real servers do. */
  openData(opening?: string): Promise<Duplex>;
  /** Stores what the client sends and returns false when it was cut; the partial file stays visible. */
  receive(path: string, before: Buffer): Promise<boolean>;
  /** Sends content and returns false when it was cut. */
  send(content: Buffer): Promise<boolean>;
}

/** What the sessions of one server share. */
export interface FtpWorld {
  readonly tree: Tree;
  readonly answers: Readonly<Record<string, Answer | undefined>>;
  readonly greeting: Reply | null;
  readonly features: readonly string[];
  readonly stallAt: readonly string[];
  readonly bytewise: boolean;
  readonly takenAtOnce: boolean;
  readonly tls:
    | { readonly mode: "explicit" | "implicit"; readonly context: SecureContext; readonly requireReuse: boolean }
    | undefined;
  /** The cut that a transfer by this verb has to expect; `cutHappened` uses it up. */
  cutFor(verb: string): Cut | undefined;
  cutHappened(): void;
  received(line: string): void;
}

/** Serves one control connection. Every line, either way, is added to `wire` from the client's point of view. */
export function serveFtp(raw: Socket, number: number, world: FtpWorld, wire: string[]): void {
  const { tree, tls, bytewise } = world;
  const context = tls?.context;
  const state: FtpSession["state"] = { folder: "/", offset: 0, renaming: undefined, protect: false };
  const isProtected = () => state.protect;
  const data = dataChannel({ context, requireReuse: tls?.requireReuse ?? false, isProtected });
  const control = controlChannel(raw, { context, implicit: tls?.mode === "implicit", bytewise, wire, onLine });
  raw.on("close", () => data.close());
  let turn: Promise<void> = world.greeting === null ? Promise.resolve() : control.reply(world.greeting);
  const common = {
    ...{ ...control, number, data, state, tree },
    path: (argument: string) => posix.resolve(state.folder, argument || "."),
    hang: () => new Promise<never>(() => {}),
    openData: (opening = "150 go ahead") => data.open(() => control.reply(opening)),
  };

  function onLine(line: string): void {
    const [, word = "", argument = ""] = /^(\S*) ?(.*)$/s.exec(line) ?? [];
    const verb = word.toUpperCase();
    // ABOR is meant for the transfer that is going on, so it cannot wait for its turn.
    if (verb === "ABOR") data.abort("fin");
    world.received(line);
    turn = turn.then(() => answer(verb, argument));
  }

  async function answer(verb: string, argument: string): Promise<void> {
    if (raw.destroyed) return;
    const session: FtpSession = {
      ...{ ...common, verb },
      usual: async (other = argument) => usualAnswer(verb, other, session, world),
      receive: (path, before) => receive(session, world, path, before),
      send: (content) => send(session, world, content),
    };
    if (world.stallAt.includes(verb)) return session.hang();
    const scripted = world.answers[verb] ?? (() => session.usual());
    try {
      const given = typeof scripted === "function" ? await scripted(argument, session) : scripted;
      if (given !== undefined) await control.reply(given);
      if (verb === "QUIT" && given !== undefined) session.close();
    } catch (failure) {
      const text = failure instanceof DataRefused ? failure.message : `451 the script failed: ${String(failure)}`;
      if (!raw.destroyed) await control.reply(text);
    }
  }
}

async function receive(session: FtpSession, world: FtpWorld, path: string, before: Buffer): Promise<boolean> {
  const stream = await session.openData();
  // A real server makes the name visible as soon as it has opened the file.
  session.tree.write(path, before);
  const chunks: Buffer[] = [];
  const cut = world.cutFor(session.verb);
  let left = cut?.afterBytes ?? Number.POSITIVE_INFINITY;
  let ended = false;
  stream.on("end", () => {
    ended = true;
  });
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) break;
    }
  } catch {
    // The client has broken off: what arrived stays, as on a real server.
  }
  session.tree.write(path, Buffer.concat([before, ...chunks]));
  if (cut && left <= 0) return perform(cut, session, world);
  return ended;
}

async function send(session: FtpSession, world: FtpWorld, content: Buffer): Promise<boolean> {
  const stream = await session.openData();
  const cut = world.cutFor(session.verb);
  const isCut = cut !== undefined && cut.afterBytes < content.length;
  const part = isCut ? content.subarray(0, cut.afterBytes) : content;
  const written = await new Promise<boolean>((resolve) => {
    stream.once("close", () => resolve(false)).once("error", () => resolve(false));
    const done = () => resolve(true);
    if (isCut) stream.write(part, done);
    else stream.end(part, done);
    stream.resume();
  });
  return isCut ? perform(cut, session, world) : written;
}

function perform(cut: Cut, session: FtpSession, world: FtpWorld): false {
  world.cutHappened();
  session.data.abort(cut.how);
  if (cut.what !== "data") {
    if (cut.how === "rst") session.reset();
    else session.close();
  }
  return false;
}
