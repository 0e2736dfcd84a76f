import { constants } from "node:fs";
import { stat } from "node:fs/promises";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { TLSSocket } from "node:tls";
import { type Entry, explain, openFile } from "../folder.js";
import { facts, longLine } from "../listing.js";
import { DataRefused } from "./data.js";
import { type Command, pathOf, type Session } from "./session.js";

const chunk = { highWaterMark: 256 * 1024 };

/** The commands that open, use or cut off a data connection. */
export const transferCommands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["EPSV", epsv],
  ["PASV", pasv],
  ["REST", rest],
  ["MLSD", mlsd],
  ["LIST", list],
  ["RETR", retr],
  ["STOR", (session, argument) => store(session, argument, "replace")],
  ["APPE", (session, argument) => store(session, argument, "append")],
  ["ABOR", (session) => session.reply(226, "nothing is being transferred any more")],
]);

async function epsv(session: Session, argument: string): Promise<void> {
  if (/^ALL$/i.test(argument)) return session.reply(200, "only EPSV from now on");
  if (argument !== "" && argument !== "1") return session.reply(522, "only this network protocol, use (1)");
  session.reply(229, `extended passive mode (|||${await session.data.listen()}|)`);
}

async function pasv(session: Session): Promise<void> {
  const port = await session.data.listen();
  session.reply(227, `passive mode (127,0,0,1,${port >> 8},${port & 0xff})`);
}

async function rest(session: Session, argument: string): Promise<void> {
  if (!/^\d{1,15}$/.test(argument)) return session.reply(501, "REST takes a number of bytes");
  session.restartAt = Number(argument);
  session.reply(350, `the next RETR or STOR begins at ${argument}`);
}

async function mlsd(session: Session, argument: string): Promise<void> {
  const path = pathOf(session, argument);
  if (!(await stat(await session.folder.real(path))).isDirectory()) return session.reply(501, "not a directory");
  await sendLines(session, (await session.folder.entries(path)).map(facts));
}

async function list(session: Session, argument: string): Promise<void> {
  const path = pathOf(session, argument.replace(/^-\S+ ?/, ""));
  const stats = await stat(await session.folder.real(path));
  const entries: readonly Entry[] = stats.isDirectory()
    ? await session.folder.entries(path)
    : [{ name: posix.basename(path), stats }];
  await sendLines(session, entries.map(longLine));
}

async function sendLines(session: Session, lines: readonly string[]): Promise<void> {
  const text = lines.map((line) => `${line}\r\n`).join("");
  await transfer(session, "here comes the listing", (socket) => pipeline(Readable.from([Buffer.from(text)]), socket));
}

async function retr(session: Session, argument: string): Promise<void> {
  const start = takeRestart(session);
  const file = await openFile(await session.folder.real(pathOf(session, argument)), constants.O_RDONLY);
  try {
    const { size } = await file.stat();
    if (start > size) return session.reply(554, `REST ${start} is beyond the end of the file`);
    await transfer(session, `sending ${size - start} bytes`, (socket) =>
      pipeline(file.createReadStream({ start, ...chunk }), socket),
    );
  } finally {
    await file.close();
  }
}

async function store(session: Session, argument: string, how: "replace" | "append"): Promise<void> {
  const start = takeRestart(session);
  const mode = how === "append" ? constants.O_APPEND : start === 0 ? constants.O_TRUNC : 0;
  const path = await session.folder.real(pathOf(session, argument));
  const file = await openFile(path, constants.O_WRONLY | constants.O_CREAT | mode);
  try {
    if (start > (await file.stat()).size) return session.reply(554, `REST ${start} is beyond the end of the file`);
    const position = how === "append" ? {} : { start };
    await transfer(session, "send the data", (socket) =>
      pipeline(socket, file.createWriteStream({ ...position, ...chunk })),
    );
  } finally {
    await file.close();
  }
}

/** Runs one transfer and answers it; a partial file stays, as with any FTP server. */
async function transfer(session: Session, opening: string, move: (socket: TLSSocket) => Promise<void>): Promise<void> {
  if (!session.protectedData) return session.reply(522, "PBSZ 0 and PROT P first: data is not sent in clear");
  let socket: TLSSocket | undefined;
  try {
    socket = await session.data.take(() => session.reply(150, opening));
    await move(socket);
    session.reply(226, "complete");
  } catch (error) {
    if (error instanceof DataRefused) session.reply(error.code, error.message);
    else if (socket?.errored === error || isNetwork(error))
      session.reply(426, "the data connection broke, transfer aborted");
    else session.reply(451, `transfer aborted: ${explain(error).text}`);
  } finally {
    session.data.release();
  }
}

function takeRestart(session: Session): number {
  const start = session.restartAt;
  session.restartAt = 0;
  return start;
}

function isNetwork(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^(ECONN|EPIPE|ERR_STREAM|ERR_SSL|ERR_TLS)/.test(code);
}
