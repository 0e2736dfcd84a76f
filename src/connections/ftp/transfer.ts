import type { Socket } from "node:net";
import type { Clock } from "../../base/clock.js";
import { AgentError } from "../../base/errors.js";
import type { DataConnection } from "./data.js";
import { openData } from "./open-data.js";
import { type FtpReply, finalLine, isRefusal, TRANSFER_BEGINS, TRANSFER_ENDS, verbOf } from "./replies.js";
import type { FtpState } from "./state.js";
import { lost, refusal } from "./translate.js";

/** How long the server's words are waited for after the data connection failed, or was broken off by us. */
const GRACE_MS = 2_000;

/** The source or the sink failed, not the connection. */
export class OurSideFailed {
  readonly reason: unknown;
  constructor(reason: unknown) {
    this.reason = reason;
  }
}

export interface Mover {
  /** Moves the bytes; resolves when the last one was handed on. Rejects with OurSideFailed, an AgentError, or a socket's error. */
  move(socket: Socket): Promise<void>;
  /** True once all bytes have been handed to the network: a confirmation before that is a lie. Absent for downloads. */
  readonly isComplete?: () => boolean;
}

type Final = { readonly reply: FtpReply } | { readonly death: unknown };

/** One transfer: data connection, command, preliminary reply, bytes, final reply. Gives the final reply. */
export async function transfer(
  state: FtpState,
  command: string,
  subject: string,
  mover: Mover,
  prepare?: () => Promise<void>,
): Promise<FtpReply> {
  const data = await openData(state);
  const forget = state.channel.onDeath(() => data.abort());
  try {
    await prepare?.();
    return await conduct(state, data, command, subject, mover);
  } finally {
    forget();
    data.destroy();
  }
}

async function conduct(
  state: FtpState,
  data: DataConnection,
  command: string,
  subject: string,
  mover: Mover,
): Promise<FtpReply> {
  const { channel, definition } = state;
  const { timeout } = definition;
  const dialog = open(state, command);
  if (!definition.syncDataChannel) data.beginTls();

  const silence = `${subject}: no answer to ${verbOf(command)} within ${timeout.reply} ms (timeout.reply)`;
  const early = await channel.within(
    timeout.reply,
    "FERRY_REPLY_TIMEOUT",
    silence,
    Promise.race([dialog.begun, dialog.final]),
  );
  if (early) refuse(early, data, subject);

  const moved = data
    .ready()
    .then((socket) => mover.move(socket))
    .then(
      () => undefined,
      (failure: unknown) => ({ failure }),
    );
  const interrupted = new Promise<{ readonly interrupted: Final }>((resolve) => {
    void dialog.final.then((final) => {
      const bad = spoilt(final, mover, subject);
      if (bad) resolve({ interrupted: bad });
    });
  });
  const outcome = await Promise.race([moved, interrupted]);
  if (outcome && "interrupted" in outcome) {
    data.abort();
    const error = refusalOf(outcome.interrupted, data, subject);
    if ("death" in outcome.interrupted) channel.closeWithError(error as Error);
    throw error;
  }
  if (outcome) return broken(state, data, subject, outcome.failure, dialog.final);

  const late = `${subject}: the data was moved, but no confirmation came within ${timeout.completion} ms (timeout.completion)`;
  const final = await channel.within(timeout.completion, "FERRY_COMPLETION_TIMEOUT", late, dialog.final);
  refuse(final, data, subject);
  return (final as { reply: FtpReply }).reply;
}

/** Why the last word, come while bytes were still under way, ends the transfer; undefined when it does not. */
function spoilt(final: Final, mover: Mover, subject: string): Final | undefined {
  if (!("reply" in final) || isRefusal(final.reply)) return final;
  if (mover.isComplete?.() ?? true) return undefined;
  const message = `${subject}: confirmed before all of it was sent`;
  return { death: new AgentError("FERRY_CONNECTION_LOST", message, { cause: final.reply.message }) };
}

interface Dialog {
  /** Resolves with undefined at the preliminary reply. */
  readonly begun: Promise<undefined>;
  /** Never rejects. */
  readonly final: Promise<Final>;
}

function open({ channel }: FtpState, command: string): Dialog {
  let begin = (): void => {};
  const begun = new Promise<undefined>((resolve) => {
    begin = () => resolve(undefined);
  });
  const final = channel.dialog(command, (reply, { resolve, reject }) => {
    if (TRANSFER_BEGINS.includes(reply.code)) begin();
    else if (isRefusal(reply) || TRANSFER_ENDS.includes(reply.code)) resolve(reply);
    else reject(channel.outOfStep(`"${finalLine(reply)}" does not answer ${verbOf(command)}`, reply));
  });
  return {
    begun,
    final: final.then(
      (reply): Final => ({ reply }),
      (death: unknown): Final => ({ death }),
    ),
  };
}

/** Throws unless `final` is a success. */
function refuse(final: Final, data: DataConnection, subject: string): void {
  if (!("reply" in final) || isRefusal(final.reply)) throw refusalOf(final, data, subject);
}

function refusalOf(final: Final, data: DataConnection, subject: string): unknown {
  if ("death" in final) return final.death;
  const { reply } = final;
  // proftpd says "Unable to build data connection: Operation not permitted", and means this.
  const saysSo = /session reuse|reuse required|session.*resum|connection: operation not permitted/i.test(reply.message);
  if (data.resumed !== undefined && (saysSo || (!data.resumed && [425, 522].includes(reply.code)))) {
    const message = `${subject}: the server wants data connections to resume the TLS session`;
    return new AgentError("FERRY_SESSION_RESUMPTION", message, { cause: reply.message });
  }
  if (reply.code === 425) {
    const message = `${subject}: the server could not use the data connection to ${data.where}`;
    return new AgentError("FERRY_DATA_CHANNEL_BLOCKED", message, { cause: reply.message });
  }
  if (reply.code === 426)
    return new AgentError("FERRY_SERVER_BUSY", `${subject}: the transfer broke off`, { cause: reply.message });
  return refusal(reply, subject);
}

/** The bytes did not get through: why, in the server's words where it has any, and is the session still in step? */
async function broken(
  state: FtpState,
  data: DataConnection,
  subject: string,
  failure: unknown,
  final: Promise<Final>,
): Promise<never> {
  const { channel, clock } = state;
  const ours = failure instanceof OurSideFailed;
  if (ours) data.abort();
  // Not to be trusted, or stalled: there is nothing to wait for.
  else if (failure === data.distrust || isStall(failure)) channel.closeWithError(failure as AgentError);
  const words = await soon(clock, final);
  if (!words)
    channel.closeWithError(
      new AgentError("FERRY_CONNECTION_LOST", `${subject}: the transfer broke off`, {
        cause: ours ? undefined : failure,
      }),
    );
  if (ours) throw failure.reason;
  if (words && (!("reply" in words) || isRefusal(words.reply))) throw refusalOf(words, data, subject);
  const error = lost(failure, data.where);
  // A success in words, and yet not all bytes came through: nobody knows what the server has.
  channel.closeWithError(error);
  throw error;
}

function isStall(failure: unknown): boolean {
  return failure instanceof AgentError && failure.code === "FERRY_STALLED";
}

function soon(clock: Clock, final: Promise<Final>): Promise<Final | undefined> {
  return new Promise((resolve) => {
    const timer = clock.timer(GRACE_MS, () => resolve(undefined));
    void final.then((found) => {
      timer.cancel();
      resolve(found);
    });
  });
}
