import { AgentError } from "../../base/errors.js";
import type { ByteSink, TransferOptions, TransferReceipt } from "../session.js";
import { explain, findSize } from "./find.js";
import { folderOf } from "./paths.js";
import { downloadPump, type Pump, type PumpOptions, uploadPump } from "./pumps.js";
import { finalLine, isRefusal } from "./replies.js";
import type { FtpState } from "./state.js";
import { transfer } from "./transfer.js";
import { refusal } from "./translate.js";

export async function upload(
  state: FtpState,
  source: AsyncIterable<Buffer>,
  path: string,
  options: TransferOptions,
): Promise<TransferReceipt> {
  const from = options.from ?? 0;
  const pump = uploadPump(source, pumpOptions(state, path, options));
  const way = from === 0 ? "STOR" : await wayToContinue(state, path, from);
  try {
    return await run(state, `${way} ${path}`, path, pump, "sent", way === "STOR" ? from : 0);
  } catch (error) {
    throw await explain(state, error, folderOf(path));
  }
}

/** APPE where the file is exactly as long as is asked for: it works with more servers than REST before STOR. */
async function wayToContinue(state: FtpState, path: string, from: number): Promise<"APPE" | "STOR"> {
  const size = await findSize(state, path);
  if (size?.bytes === from) return "APPE";
  if (size && size.bytes > from) return "STOR";
  const known = size ? `has ${size.bytes} bytes` : "has an unknown size";
  throw new AgentError("FERRY_SIZE_MISMATCH", `${path} ${known}: it cannot be continued at byte ${from}`);
}

export async function download(
  state: FtpState,
  path: string,
  sink: ByteSink,
  options: TransferOptions,
): Promise<TransferReceipt> {
  const pump = downloadPump(sink, pumpOptions(state, path, options));
  try {
    return await run(state, `RETR ${path}`, path, pump, "received", options.from ?? 0);
  } catch (error) {
    throw await explain(state, error, path);
  }
}

function pumpOptions({ clock, definition }: FtpState, subject: string, { onBytes }: TransferOptions): PumpOptions {
  return { clock, subject, stallMs: definition.timeout.stall, onBytes };
}

async function run(
  state: FtpState,
  command: string,
  path: string,
  pump: Pump,
  verb: string,
  from: number,
): Promise<TransferReceipt> {
  const started = state.clock.monotonic();
  const restart = from === 0 ? undefined : () => restartAt(state, from, path);
  const reply = await transfer(state, command, path, pump, restart);
  const seconds = ((state.clock.monotonic() - started) / 1000).toFixed(3);
  state.transcript.note(`${verb} ${pump.bytes()} bytes in ${seconds} s`, "data");
  return { bytes: pump.bytes(), reply: finalLine(reply) };
}

async function restartAt({ channel }: FtpState, from: number, path: string): Promise<void> {
  const reply = await channel.ask(`REST ${from}`);
  if (!isRefusal(reply)) return;
  if (!channel.alive || reply.code < 500) throw refusal(reply, path);
  throw new AgentError("FERRY_NOT_SUPPORTED", `${path}: the server cannot begin at byte ${from} (REST)`, {
    cause: reply.message,
  });
}
