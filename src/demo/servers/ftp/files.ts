import { mkdir, rename, rmdir, stat, unlink, utimes } from "node:fs/promises";
import { posix } from "node:path";
import { facts, timestamp } from "../listing.js";
import { type Command, pathOf, type Session } from "./session.js";

/** The commands about files and directories that need no data connection. */
export const fileCommands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["PWD", (session) => session.reply(257, `${quoted(session.directory)} is the working directory`)],
  ["CWD", (session, argument) => changeDirectory(session, pathOf(session, argument))],
  ["CDUP", (session) => changeDirectory(session, posix.dirname(session.directory))],
  ["TYPE", type],
  ["SIZE", size],
  ["MDTM", mdtm],
  ["MFMT", mfmt],
  ["MLST", mlst],
  ["DELE", dele],
  ["MKD", mkd],
  ["RMD", rmd],
  ["RNFR", rnfr],
  ["RNTO", rnto],
]);

async function changeDirectory(session: Session, path: string): Promise<void> {
  const found = await stat(await session.folder.real(path));
  if (!found.isDirectory()) return session.reply(550, "not a directory");
  session.directory = path;
  session.reply(250, `${quoted(path)} is the working directory`);
}

async function type(session: Session, argument: string): Promise<void> {
  if (/^(I|L 8)$/i.test(argument)) return session.reply(200, "binary");
  if (/^A( N)?$/i.test(argument)) return session.reply(200, "ASCII, but line ends of files are left as they are");
  session.reply(504, "only TYPE I and TYPE A are known");
}

async function size(session: Session, argument: string): Promise<void> {
  const found = await stat(await session.folder.real(pathOf(session, argument)));
  if (!found.isFile()) return session.reply(550, "not a file");
  session.reply(213, String(found.size));
}

async function mdtm(session: Session, argument: string): Promise<void> {
  const found = await stat(await session.folder.real(pathOf(session, argument)));
  session.reply(213, timestamp(found.mtime));
}

async function mfmt(session: Session, argument: string): Promise<void> {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)? (.+)$/.exec(argument);
  if (parts === null) return session.reply(501, "MFMT YYYYMMDDHHMMSS path");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  const path = pathOf(session, parts[7] ?? "");
  await utimes(await session.folder.real(path), seconds, seconds);
  session.reply(213, `Modify=${argument.slice(0, 14)}; ${path}`);
}

async function mlst(session: Session, argument: string): Promise<void> {
  const path = pathOf(session, argument);
  const stats = await stat(await session.folder.real(path));
  session.replyLines(250, "Listing", [facts({ name: path, stats })], "End");
}

async function dele(session: Session, argument: string): Promise<void> {
  await unlink(await session.folder.place(pathOf(session, argument)));
  session.reply(250, "deleted");
}

async function mkd(session: Session, argument: string): Promise<void> {
  const path = pathOf(session, argument);
  await mkdir(await session.folder.place(path));
  session.reply(257, `${quoted(path)} made`);
}

async function rmd(session: Session, argument: string): Promise<void> {
  const path = pathOf(session, argument);
  if (path === "/") return session.reply(550, "permission denied");
  await rmdir(await session.folder.place(path));
  session.reply(250, "removed");
}

async function rnfr(session: Session, argument: string): Promise<void> {
  const path = pathOf(session, argument);
  session.renameFrom = undefined;
  if (path === "/") return session.reply(550, "permission denied");
  await stat(await session.folder.real(path));
  session.renameFrom = path;
  session.reply(350, "now RNTO");
}

/** Replaces a file that has the new name, as most FTP servers on Unix do. */
async function rnto(session: Session, argument: string): Promise<void> {
  const from = session.renameFrom;
  session.renameFrom = undefined;
  if (from === undefined) return session.reply(503, "RNFR first");
  await rename(await session.folder.place(from), await session.folder.place(pathOf(session, argument)));
  session.reply(250, "renamed");
}

function quoted(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}
