import type { Socket } from "node:net";
import { sleep } from "../../base/clock.js";
import { AgentError } from "../../base/errors.js";
import { dial } from "./connect.js";
import { type DataConnection, dataConnection } from "./data.js";
import { choosePassive, parseEpsv, parsePasv, type Target } from "./passive.js";
import { type FtpReply, finalLine, isRefusal, isUnknownCommand } from "./replies.js";
import type { FtpState } from "./state.js";
import { refusal } from "./translate.js";

/** A passive range that is used up frees itself as the server's closed sockets time out. */
const ATTEMPTS = 5;
const PAUSE_MS = 400;

/** Asks the server for a passive port and connects to it; the transfer command comes after. */
export async function openData(state: FtpState): Promise<DataConnection> {
  const first = await askForPort(state);
  try {
    return connection(await reach(state, first.target), first.target, state);
  } catch (error) {
    // A firewall that understands PASV may not understand EPSV: the port that it opened is the one that it read.
    if (!first.extended || state.isIpv6 || !state.channel.alive || state.signal.aborted) throw error;
    state.transcript.note("trying PASV instead of EPSV");
    state.extendedPassive = false;
    const { target } = await askForPort(state);
    return connection(await reach(state, target), target, state);
  }
}

function connection(raw: Socket, target: Target, state: FtpState): DataConnection {
  const { clock, transcript, definition, security } = state;
  const options = { host: target.host, port: target.port, clock, transcript, security };
  return dataConnection(raw, { ...options, connectMs: definition.timeout.connect });
}

async function reach(state: FtpState, { host, port }: Target): Promise<Socket> {
  const { clock, signal, definition, channel } = state;
  try {
    return await dial({ host, port, clock, signal, ms: definition.timeout.connect });
  } catch (error) {
    if (channel.death) throw channel.gone(channel.death);
    const range = definition.passivePorts;
    const hint = range
      ? `ask the firewall's owner to open TCP ${range.from}-${range.to} to ${host}`
      : `ask the firewall's owner to open the server's passive ports to ${host}; this one was ${port}`;
    const message = `the login works, but no data connection could be made to ${host}:${port}`;
    throw new AgentError("FERRY_DATA_CHANNEL_BLOCKED", message, { cause: error, hint });
  }
}

interface Asked {
  readonly target: Target;
  readonly extended: boolean;
}

async function askForPort(state: FtpState): Promise<Asked> {
  const rule = state.definition.adjustPassiveAddress;
  // EPSV names no address; where the definition wants the announced one, only PASV tells it.
  if (state.extendedPassive && (rule === true || state.isIpv6)) {
    const reply = await patiently(state, "EPSV");
    const port = isRefusal(reply) ? undefined : parseEpsv(finalLine(reply));
    if (port !== undefined)
      return { target: checked({ host: state.peer, port, note: undefined }, state), extended: true };
    if (isRefusal(reply) && reply.code < 500) throw refusal(reply, "EPSV");
    if (!isRefusal(reply) || isUnknownCommand(reply) || reply.code === 522) state.extendedPassive = false;
  }
  const reply = await patiently(state, "PASV");
  if (isRefusal(reply)) throw refusal(reply, "PASV");
  const announced = parsePasv(finalLine(reply));
  if (!announced) {
    throw new AgentError("FERRY_PROTOCOL", "the server's answer to PASV names no address", { cause: reply.message });
  }
  const target = choosePassive(rule, announced, state.peer);
  if (!target) {
    const message = `the server announced ${announced.host}:${announced.port} for data, which is no host's address`;
    throw new AgentError("FERRY_DATA_ADDRESS_REFUSED", message, { cause: reply.message });
  }
  return { target: checked(target, state), extended: false };
}

function checked(target: Target, { definition, transcript, strict, warn }: FtpState): Target {
  const range = definition.passivePorts;
  if (target.note) transcript.note(target.note);
  if (range && (target.port < range.from || target.port > range.to)) {
    const outside = `port ${target.port} is outside passivePorts ${range.from}-${range.to}`;
    transcript.note(outside);
    if (strict)
      throw new AgentError(
        "FERRY_DATA_ADDRESS_REFUSED",
        `the server named a data port that is not sanctioned: ${outside}`,
      );
    warn(outside);
  }
  return target;
}

async function patiently(state: FtpState, command: "EPSV" | "PASV"): Promise<FtpReply> {
  for (let attempt = 1; ; attempt++) {
    const reply = await state.channel.ask(command);
    const isUsedUp = reply.code === 425 && state.channel.alive;
    if (!isUsedUp || attempt === ATTEMPTS) return reply;
    // A pause on purpose, and not a retry of anything that had an effect.
    await sleep(state.clock, PAUSE_MS * attempt, state.signal);
  }
}
