import type { Socket } from "node:net";
import { FTPContext } from "basic-ftp";
import type { Clock } from "../../base/clock.js";
import { AgentError, type ErrorCode } from "../../base/errors.js";
import type { Transcript } from "../../base/transcript.js";
import type { Timeouts } from "../shared-schema.js";
import {
  createReplyReader,
  type FtpReply,
  finalLine,
  isRefusal,
  isSuccess,
  type ReplyReader,
  verbOf,
} from "./replies.js";
import { loginRefusal, lost, refusal } from "./translate.js";

export interface ControlOptions {
  readonly host: string;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly transcript: Transcript;
}

/** Settles the command that is going on. */
export interface Settle {
  readonly resolve: (reply: FtpReply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The control connection. On top of basic-ftp's tracking of the one outstanding command: whole lines only, whole replies
 * only, a table of what counts as success, a deadline on every wait, and an end to the session as soon as the two sides
 * are out of step.
 */
export class ControlChannel extends FTPContext {
  readonly options: ControlOptions;
  #reader: ReplyReader = createReplyReader();
  #death: AgentError | undefined;
  readonly #mourners = new Set<() => void>();

  constructor(options: ControlOptions) {
    // latin1 keeps every byte as it is: names are decoded here, once a line is whole. Deadlines are our own.
    super(0, "latin1");
    this.options = options;
  }

  get alive(): boolean {
    return this.#death === undefined;
  }

  get death(): AgentError | undefined {
    return this.#death;
  }

  /** True when nothing was received beyond the last whole reply. */
  get isQuiet(): boolean {
    return this.#reader.isEmpty;
  }

  /** Takes over `socket`, new or upgraded to TLS. */
  attach(socket: Socket): void {
    if (this.#death) {
      socket.destroy();
      throw this.#death;
    }
    this.#reader = createReplyReader();
    this.socket = socket;
  }

  /** Calls `action` when the session ends, however it does. Gives the way to take that back. */
  onDeath(action: () => void): () => void {
    if (this.#death) action();
    else this.#mourners.add(action);
    return () => void this.#mourners.delete(action);
  }

  /** The server's first words. */
  async greeting(): Promise<FtpReply> {
    const { host } = this.options;
    const hint = "an implicit TLS port says nothing until TLS is spoken: is it `encryption.mode: implicit`?";
    const reply = await this.#converse(undefined, "a greeting", hint, (code) => (code === 120 ? "wait" : code === 220));
    if (!isRefusal(reply)) return reply;
    const error = loginRefusal(reply, host, "greeting");
    this.closeWithError(error);
    throw error;
  }

  /** Sends a command and gives the reply, also when it is a refusal (4xx, 5xx). Anything out of step ends the session. */
  ask(command: string): Promise<FtpReply> {
    const verb = verbOf(command);
    return this.#converse(command, `an answer to ${verb}`, undefined, (code) => isSuccess(verb, code));
  }

  /** As `ask`; a refusal is an error about `subject`. */
  async command(command: string, subject = verbOf(command)): Promise<FtpReply> {
    const reply = await this.ask(command);
    if (isRefusal(reply)) throw refusal(reply, subject);
    return reply;
  }

  /** For what takes several replies: `hear` is given each until it settles. */
  dialog(command: string | undefined, hear: (reply: FtpReply, settle: Settle) => void): Promise<FtpReply> {
    if (this.#death) return Promise.reject(this.gone(this.#death));
    return this.handle(command as string, (response, task) => {
      if (response instanceof Error) task.reject(response);
      else hear(response as FtpReply, { resolve: task.resolve, reject: task.reject });
    });
  }

  /** Ends the session with `code` unless `work` is done within `ms`. */
  async within<T>(ms: number, code: ErrorCode, message: string, work: Promise<T>, hint?: string): Promise<T> {
    const details = hint === undefined ? {} : { hint };
    const timer = this.options.clock.timer(ms, () => this.closeWithError(new AgentError(code, message, details)));
    try {
      return await work;
    } finally {
      timer.cancel();
    }
  }

  /** Ends the session: the other side did what the protocol does not allow. */
  outOfStep(what: string, reply: FtpReply): AgentError {
    const error = new AgentError("FERRY_PROTOCOL", `${this.options.host}: ${what}`, { cause: reply.message });
    this.closeWithError(error);
    return error;
  }

  override send(command: string): void {
    // What a name may not hold has been refused before; this is for passwords and raw commands.
    if (/[\u0000-\u001f\u007f]/.test(command)) {
      throw new AgentError("FERRY_DEFINITION", `${verbOf(command)}: control characters cannot be sent to a server`);
    }
    this.options.transcript.sent(command.replace(/^(PASS|ACCT) .*/is, "$1 ********"));
    this.socket.write(`${command}\r\n`, "utf8");
  }

  override closeWithError(error: Error): void {
    if (this.#death) return;
    this.#death = lost(error, this.options.host);
    super.closeWithError(this.#death);
    for (const mourn of this.#mourners) mourn();
    this.#mourners.clear();
  }

  override log(): void {}

  /** basic-ftp would write QUIT into a connection that is being given up. */
  protected override _closeControlSocket(): void {
    this._closeSocket(this._socket);
  }

  protected override _onControlSocketData(chunk: string): void {
    try {
      this.#reader.push(
        chunk,
        (line) => this.options.transcript.received(Buffer.from(line, "latin1").toString("utf8")),
        (reply) => this.#deliver(decoded(reply)),
      );
    } catch (error) {
      this.closeWithError(error as Error);
    }
  }

  #deliver(reply: FtpReply): void {
    if (this.#death) return;
    if (this._task) this._passToHandler(reply);
    else if (reply.code === 421) this.closeWithError(refusal(reply, this.options.host));
    else this.outOfStep(`"${finalLine(reply)}" came without having been asked for`, reply);
    // RFC 959: 421 is the last word on a connection, whatever it answered.
    if (reply.code === 421) this.closeWithError(refusal(reply, this.options.host));
  }

  #converse(
    command: string | undefined,
    what: string,
    hint: string | undefined,
    accepts: (code: number) => boolean | "wait",
  ): Promise<FtpReply> {
    const { timeouts, host } = this.options;
    const answer = this.dialog(command, (reply, { resolve, reject }) => {
      const verdict = isRefusal(reply) || accepts(reply.code);
      if (verdict === true) resolve(reply);
      else if (verdict === false) reject(this.outOfStep(`"${finalLine(reply)}" is not ${what}`, reply));
    });
    const message = `${host}: no reply within ${timeouts.reply} ms (timeout.reply), waiting for ${what}`;
    return this.within(timeouts.reply, "FERRY_REPLY_TIMEOUT", message, answer, hint);
  }

  gone(death: AgentError): AgentError {
    const cause = death.causeText ? `${death.message}: ${death.causeText}` : death.message;
    return new AgentError("FERRY_CONNECTION_LOST", `the session with ${this.options.host} is closed`, { cause });
  }
}

function decoded(reply: FtpReply): FtpReply {
  const lines = reply.lines.map((line) => Buffer.from(line, "latin1").toString("utf8"));
  return { code: reply.code, message: lines.join("\n"), lines };
}
