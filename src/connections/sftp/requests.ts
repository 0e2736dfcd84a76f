import type { FileEntryWithStats, InputAttributes, SFTPWrapper, Stats } from "ssh2";
import { AgentError } from "../../base/errors.js";
import { visible } from "../../base/names.js";
import type { Transcript } from "../../base/transcript.js";
import type { Timeouts } from "../shared-schema.js";
import { extensionsOf } from "./library.js";
import type { Begin, Deadline, Lifeline } from "./lifeline.js";
import { EOF, refusalOf, refused } from "./status.js";

export type Handle = Buffer;

/** SSH_FXF_… of OPEN. */
export const OPEN_FLAGS = { READ: 0x01, WRITE: 0x02, CREAT: 0x08, TRUNC: 0x10, EXCL: 0x20 } as const;
export type OpenFlag = keyof typeof OPEN_FLAGS;

/**
 * The requests of SFTP version 3, one method each: asked under a deadline, recorded in the transcript as they go and
 * as they are answered, refused as an AgentError. READ and WRITE are not here: they go in windows.
 */
export interface Requests {
  readonly extensions: readonly string[];
  open(path: string, flags: readonly OpenFlag[]): Promise<Handle>;
  /** `settling`: after data was written, a server may take long to put it in its place. */
  close(handle: Handle, settling?: boolean): Promise<void>;
  fsync(handle: Handle): Promise<void>;
  fstat(handle: Handle, settling?: boolean): Promise<Stats>;
  truncate(handle: Handle, size: number): Promise<void>;
  stat(path: string): Promise<Stats>;
  lstat(path: string): Promise<Stats>;
  realpath(path: string): Promise<string>;
  opendir(path: string): Promise<Handle>;
  /** Undefined at the end. */
  readdir(handle: Handle): Promise<readonly FileEntryWithStats[] | undefined>;
  mkdir(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  posixRename(from: string, to: string): Promise<void>;
  setTimes(path: string, accessed: number, modified: number): Promise<void>;
  /** Free bytes for us on the disk of `path`; undefined where the server does not tell. */
  freeSpace(path: string): Promise<number | undefined>;
}

export interface RequestContext {
  readonly sftp: SFTPWrapper;
  readonly lifeline: Lifeline;
  readonly transcript: Transcript;
  readonly timeout: Timeouts;
  readonly where: string;
}

export function createRequests(context: RequestContext): Requests {
  const ask = asker(context);
  const extensions = extensionsOf(context.sftp);
  return { extensions, ...onHandles(context, ask), ...onPaths(context, ask), ...onSpace(context, ask, extensions) };
}

/** One request: the line as it is recorded, what it is for in the words of an error, and the path that it is about. */
interface Question<T> {
  readonly line: string;
  readonly what: string;
  readonly path: string;
  /** The answer as it is recorded; `OK` by default. */
  readonly words?: (value: T) => string;
  /** `timeout.reply` by default. */
  readonly deadline?: Deadline;
}
type Ask = <T = void>(question: Question<T>, begin: Begin<T>) => Promise<T>;
/** ssh2's callbacks say nothing on success; its types forbid that they are given a value. */
type Plain = (error?: Error | null) => void;

function onHandles(context: RequestContext, ask: Ask) {
  const { sftp, timeout, where } = context;
  const settled = completionDeadline(timeout, where);
  const file = { path: "the file" };
  return {
    async open(path, flags) {
      const bits = flags.reduce((sum, flag) => sum | OPEN_FLAGS[flag], 0);
      const question = {
        line: `OPEN ${quoted(path)} ${flags.join("|")}`,
        what: `open ${path}`,
        path,
        words: () => "HANDLE",
      };
      return handle(await ask<Handle>(question, (done) => sftp.open(path, bits, done)), context);
    },
    async opendir(path) {
      const question = { line: `OPENDIR ${quoted(path)}`, what: `list ${path}`, path, words: () => "HANDLE" };
      return handle(await ask<Handle>(question, (done) => sftp.opendir(path, done)), context);
    },
    close: (opened, settling) =>
      ask({ ...file, line: "CLOSE", what: "close the file", ...(settling && { deadline: settled }) }, (done) =>
        sftp.close(opened, done as Plain),
      ),
    fsync: (opened) =>
      ask({ ...file, line: "FSYNC", what: "settle the file", deadline: settled }, (done) =>
        sftp.ext_openssh_fsync(opened, done as Plain),
      ),
    async fstat(opened, settling) {
      const question = {
        ...file,
        line: "FSTAT",
        what: "look at the file",
        words: attributes,
        ...(settling && { deadline: settled }),
      };
      return stats(await ask<Stats>(question, (done) => sftp.fstat(opened, done)), context);
    },
    truncate: (opened, size) =>
      ask({ ...file, line: `FSETSTAT size=${size}`, what: "cut the file" }, (done) =>
        sftp.fsetstat(opened, { size } as InputAttributes, done as Plain),
      ),
    readdir: (opened) => readdir(context, opened),
  } satisfies Partial<Requests>;
}

function onPaths(context: RequestContext, ask: Ask) {
  const { sftp } = context;
  const looked = (verb: string, path: string) => ({
    line: `${verb} ${quoted(path)}`,
    what: `look at ${path}`,
    path,
    words: attributes,
  });
  const moved = (verb: string, from: string, to: string) => ({
    line: `${verb} ${quoted(from)} ${quoted(to)}`,
    what: `rename ${from} to ${to}`,
    path: from,
  });
  return {
    stat: async (path) => stats(await ask<Stats>(looked("STAT", path), (done) => sftp.stat(path, done)), context),
    lstat: async (path) => stats(await ask<Stats>(looked("LSTAT", path), (done) => sftp.lstat(path, done)), context),
    realpath: (path) =>
      ask<string>(
        { line: `REALPATH ${quoted(path)}`, what: `find ${path}`, path, words: (found) => `NAME ${quoted(found)}` },
        (done) => sftp.realpath(path, done),
      ),
    mkdir: (path) =>
      ask({ line: `MKDIR ${quoted(path)}`, what: `make the folder ${path}`, path }, (done) =>
        sftp.mkdir(path, done as Plain),
      ),
    rmdir: (path) =>
      ask({ line: `RMDIR ${quoted(path)}`, what: `remove the folder ${path}`, path }, (done) =>
        sftp.rmdir(path, done as Plain),
      ),
    remove: (path) =>
      ask({ line: `REMOVE ${quoted(path)}`, what: `remove ${path}`, path }, (done) => sftp.unlink(path, done as Plain)),
    rename: (from, to) => ask(moved("RENAME", from, to), (done) => sftp.rename(from, to, done as Plain)),
    posixRename: (from, to) =>
      ask(moved("POSIX-RENAME", from, to), (done) => sftp.ext_openssh_rename(from, to, done as Plain)),
    setTimes: (path, accessed, modified) =>
      ask({ line: `SETSTAT ${quoted(path)} mtime=${modified}`, what: `set the time of ${path}`, path }, (done) =>
        sftp.utimes(path, accessed, modified, done as Plain),
      ),
  } satisfies Partial<Requests>;
}

function onSpace({ sftp }: RequestContext, ask: Ask, extensions: readonly string[]) {
  interface Space {
    readonly f_frsize: number;
    readonly f_bavail: number;
  }
  const free = (space: Space): number => space.f_bavail * space.f_frsize;
  return {
    async freeSpace(path) {
      if (!extensions.includes("statvfs@openssh.com")) return undefined;
      const question = {
        line: `STATVFS ${quoted(path)}`,
        what: `ask for the space at ${path}`,
        path,
        words: (space: Space) => `${free(space)} bytes free`,
      };
      // The types have no callback here.
      return free(await ask<Space>(question, (done) => sftp.ext_openssh_statvfs(path, done as never)));
    },
  } satisfies Partial<Requests>;
}

function asker({ lifeline, transcript, timeout, where }: RequestContext): Ask {
  const soon = replyDeadline(timeout, where);
  return async ({ line, what, path, words = () => "OK", deadline = soon }, begin) => {
    if (lifeline.alive) transcript.sent(line, "ssh");
    try {
      const value = await lifeline.answer(begin, deadline);
      transcript.received(words(value), "ssh");
      return value;
    } catch (error) {
      const refusal = refusalOf(error);
      if (!refusal) throw lostWith(error, lifeline, where);
      transcript.received(refusal.words, "ssh");
      throw refused(refusal, what, path);
    }
  };
}

/** A page of names. EOF is not a refusal here but the end. */
async function readdir({ sftp, lifeline, transcript, timeout, where }: RequestContext, opened: Handle) {
  transcript.sent("READDIR", "ssh");
  try {
    // `full` keeps `.` and `..`: a page of only these two is not the end of a listing. The types lack it, and the handle.
    const pages = sftp as unknown as {
      readdir(handle: Handle, options: object, done: Parameters<Begin<FileEntryWithStats[]>>[0]): void;
    };
    const begin: Begin<FileEntryWithStats[]> = (done) => pages.readdir(opened, { full: true }, done);
    const page = await lifeline.answer(begin, replyDeadline(timeout, where));
    transcript.received(`NAME ${page.length}`, "ssh");
    return page;
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal) throw lostWith(error, lifeline, where);
    transcript.received(refusal.words, "ssh");
    if (refusal.code === EOF) return undefined;
    throw refused(refusal, "list the folder", "the folder");
  }
}

/** An error that is not a refusal is the end: ssh2's "No response from server" when the channel closes. */
export function lostWith(error: unknown, lifeline: Lifeline, where: string): AgentError {
  if (error instanceof AgentError) return error;
  const reason = new AgentError("FERRY_CONNECTION_LOST", `lost the connection to ${where}`, { cause: error });
  lifeline.cut(reason);
  return reason;
}

export function replyDeadline({ reply }: Timeouts, where: string): Deadline {
  return {
    ms: reply,
    expired: () => new AgentError("FERRY_REPLY_TIMEOUT", `${where} did not answer within ${reply / 1000} s`),
  };
}

function completionDeadline({ completion }: Timeouts, where: string): Deadline {
  const message = `${where} did not confirm the file within ${completion / 1000} s`;
  return { ms: completion, expired: () => new AgentError("FERRY_COMPLETION_TIMEOUT", message) };
}

function quoted(path: string): string {
  return visible(JSON.stringify(path));
}

function attributes(found: Stats | undefined): string {
  return `ATTRS${found?.size === undefined ? "" : ` size=${found.size}`}${found?.mtime === undefined ? "" : ` mtime=${found.mtime}`}`;
}

/** An OK where a handle or attributes are due is no answer. */
function handle(value: Handle | undefined, context: RequestContext): Handle {
  return Buffer.isBuffer(value) ? value : nonsense(context);
}

function stats(value: Stats | undefined, context: RequestContext): Stats {
  return value ?? nonsense(context);
}

function nonsense({ lifeline, where }: RequestContext): never {
  const reason = new AgentError("FERRY_PROTOCOL", `${where} answered a request with something else than was asked for`);
  lifeline.cut(reason);
  throw reason;
}
