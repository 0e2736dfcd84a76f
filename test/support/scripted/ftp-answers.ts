import { posix } from "node:path";
import type { Reply } from "./ftp-control.js";
import type { FtpSession, FtpWorld } from "./ftp-session.js";
import type { TreeEntry } from "./tree.js";

type Usual = (argument: string, session: FtpSession, world: FtpWorld) => Reply | undefined | Promise<Reply | undefined>;

/** What a well-behaved server answers, and does. */
export function usualAnswer(verb: string, argument: string, session: FtpSession, world: FtpWorld): ReturnType<Usual> {
  const known = Object.hasOwn(usual, verb) ? usual[verb] : undefined;
  return known ? known(argument, session, world) : "502 not here";
}

const gone = "550 no such file";

const usual: Readonly<Record<string, Usual>> = {
  USER: () => "331 password please",
  PASS: () => "230 welcome",
  ACCT: () => "230 welcome",
  SYST: () => "215 UNIX Type: L8",
  FEAT: (_, __, world) => ["211-Features:", ...world.features.map((feature) => ` ${feature}`), "211 End"],
  OPTS: () => "200 as you like",
  NOOP: () => "200 still here",
  TYPE: (type) => `200 type ${type}`,
  MODE: () => "200 stream",
  STRU: () => "200 file",
  ALLO: () => "202 not needed",
  QUIT: () => "221 goodbye",
  ABOR: () => "226 nothing is going on",
  AUTH: auth,
  PBSZ: () => "200 PBSZ=0",
  PROT: protect,
  PWD: (_, { state }) => `257 "${state.folder}"`,
  CWD: changeFolder,
  CDUP: (_, session) => changeFolder("..", session),
  EPSV: async (_, { data }) => `229 Entering Extended Passive Mode (|||${await data.listen()}|)`,
  PASV: async (_, { data }) => `227 Entering Passive Mode (127,0,0,1,${pair(await data.listen())})`,
  PORT: port,
  EPRT: extendedPort,
  SIZE: (name, { tree, path }) => fileAnswer(tree.entry(path(name)), ({ size }) => `213 ${size}`),
  MDTM: (name, { tree, path }) => fileAnswer(tree.entry(path(name)), ({ modified }) => `213 ${stamp(modified)}`),
  MFMT: setModified,
  MLST: describe,
  MLSD: (name, session) => listing(session, name, (entry) => `${facts(entry)} ${entry.name}`),
  LIST: (name, session) => listing(session, name.replace(/^-\S+ ?/, ""), unixLine),
  NLST: (name, session) => listing(session, name.replace(/^-\S+ ?/, ""), (entry) => entry.name),
  REST: (offset, { state }) => {
    state.offset = Number(offset);
    return `350 restarting at ${offset}`;
  },
  STOR: (name, session) => store(name, session, takeOffset(session)),
  APPE: (name, session) => store(name, session, session.tree.files.get(session.path(name))?.length ?? 0),
  RETR: retrieve,
  RNFR: renameFrom,
  RNTO: renameTo,
  DELE: (name, { tree, path }) => (tree.remove(path(name)) ? "250 deleted" : gone),
  MKD: makeFolder,
  RMD: removeFolder,
};

async function auth(_: string, session: FtpSession, world: FtpWorld): Promise<Reply | undefined> {
  if (!world.tls) return "502 no TLS here";
  await session.reply("234 go ahead");
  session.startTls();
  return undefined;
}

function protect(level: string, { state }: FtpSession, world: FtpWorld): Reply {
  if (!world.tls) return "536 no TLS here";
  state.protect = level === "P";
  return `200 PROT ${level}`;
}

function changeFolder(name: string, { state, tree, path }: FtpSession): Reply {
  if (tree.entry(path(name))?.kind !== "folder") return "550 no such folder";
  state.folder = path(name);
  return "250 done";
}

function pair(port: number): string {
  return `${port >> 8},${port & 255}`;
}

function port(argument: string, { data }: FtpSession): Reply {
  const numbers = argument.split(",").map(Number);
  const [high = 0, low = 0] = numbers.slice(4);
  data.target(numbers.slice(0, 4).join("."), high * 256 + low);
  return "200 noted";
}

function extendedPort(argument: string, { data }: FtpSession): Reply {
  const [, , host = "", number = ""] = argument.split(argument[0] ?? "|");
  data.target(host, Number(number));
  return "200 noted";
}

function fileAnswer(entry: TreeEntry | undefined, answer: (file: TreeEntry) => string): Reply {
  return entry?.kind === "file" ? answer(entry) : gone;
}

function setModified(argument: string, { tree, path }: FtpSession): Reply {
  const [, digits = "", name = ""] = /^(\d{14})\S* (.*)$/.exec(argument) ?? [];
  if (!tree.entry(path(name))) return gone;
  const iso = digits.replace(/(....)(..)(..)(..)(..)(..)/, "$1-$2-$3T$4:$5:$6Z");
  tree.modified.set(path(name), new Date(iso));
  return `213 Modify=${digits}; ${name}`;
}

function describe(name: string, { tree, path }: FtpSession): Reply {
  const entry = tree.entry(path(name));
  return entry ? ["250-Listing", ` ${facts(entry)} ${path(name)}`, "250 End"] : gone;
}

async function listing(
  session: FtpSession,
  name: string,
  line: (entry: TreeEntry) => string,
): Promise<Reply | undefined> {
  const folder = session.path(name);
  const entry = session.tree.entry(folder);
  if (!entry) return "550 no such folder";
  const entries = entry.kind === "file" ? [entry] : session.tree.children(folder);
  const sent = await session.send(Buffer.from(entries.map((one) => `${line(one)}\r\n`).join("")));
  return sent ? "226 that is all" : "426 the data connection was lost";
}

function takeOffset({ state }: FtpSession): number {
  const { offset } = state;
  state.offset = 0;
  return offset;
}

async function store(name: string, session: FtpSession, offset: number): Promise<Reply | undefined> {
  const { tree, path } = session;
  if (tree.entry(posix.dirname(path(name)))?.kind !== "folder") return "553 no such folder";
  if (tree.entry(path(name))?.kind === "folder") return "553 that is a folder";
  const before = tree.files.get(path(name))?.subarray(0, offset) ?? Buffer.alloc(0);
  return (await session.receive(path(name), before)) ? "226 stored" : "426 the data connection was lost";
}

async function retrieve(name: string, session: FtpSession): Promise<Reply | undefined> {
  const offset = takeOffset(session);
  const content = session.tree.files.get(session.path(name));
  if (!content) return gone;
  return (await session.send(content.subarray(offset))) ? "226 sent" : "426 the data connection was lost";
}

function renameFrom(name: string, { state, tree, path }: FtpSession): Reply {
  if (!tree.entry(path(name))) return gone;
  state.renaming = path(name);
  return "350 and to what?";
}

function renameTo(name: string, { state, tree, path }: FtpSession, world: FtpWorld): Reply {
  const from = state.renaming;
  state.renaming = undefined;
  if (from === undefined) return "503 RNFR first";
  if (tree.entry(posix.dirname(path(name)))?.kind !== "folder" || !tree.rename(from, path(name)))
    return "553 not possible";
  if (world.takenAtOnce) tree.remove(path(name));
  return "250 renamed";
}

function makeFolder(name: string, { tree, path }: FtpSession): Reply {
  if (tree.entry(path(name))) return "550 it exists";
  if (tree.entry(posix.dirname(path(name)))?.kind !== "folder") return "550 no such folder";
  tree.folders.add(path(name));
  return `257 "${path(name)}" made`;
}

function removeFolder(name: string, { tree, path }: FtpSession): Reply {
  if (tree.entry(path(name))?.kind !== "folder") return "550 no such folder";
  if (tree.children(path(name)).length > 0) return "550 it is not empty";
  tree.folders.delete(path(name));
  return "250 removed";
}

function facts(entry: TreeEntry): string {
  const type = entry.kind === "file" ? `type=file;size=${entry.size}` : "type=dir";
  return `${type};modify=${stamp(entry.modified)};`;
}

function unixLine({ kind, size, modified, name }: TreeEntry): string {
  const mode = kind === "file" ? "-rw-r--r--" : "drwxr-xr-x";
  const month = modified.toLocaleString("en", { month: "short", timeZone: "UTC" });
  const date = `${month} ${String(modified.getUTCDate()).padStart(2)}  ${modified.getUTCFullYear()}`;
  return `${mode} 1 ferry ferry ${String(size).padStart(12)} ${date} ${name}`;
}

function stamp(time: Date): string {
  return time.toISOString().replace(/\D/g, "").slice(0, 14);
}
