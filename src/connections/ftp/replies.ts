import { AgentError } from "../../base/errors.js";

/** One whole reply, as it came. */
export interface FtpReply {
  readonly code: number;
  /** All of its lines, for basic-ftp and for error causes. */
  readonly message: string;
  readonly lines: readonly string[];
}

/** The line that decides: the last one, `226 Transfer complete`. */
export function finalLine(reply: FtpReply): string {
  return reply.lines.at(-1) ?? reply.message;
}

export function isRefusal(reply: FtpReply): boolean {
  return reply.code >= 400;
}

/** The replies that count as success, command by command. Anything else below 400 means that the two sides are out of step. */
const SUCCESS: Readonly<Record<string, readonly number[]>> = {
  AUTH: [234, 334],
  PBSZ: [200],
  PROT: [200],
  USER: [230, 331, 332],
  PASS: [230, 202, 332],
  ACCT: [230, 202],
  FEAT: [211],
  OPTS: [200, 202, 250],
  // 226 instead of 200 has been seen, and curl takes it, too.
  TYPE: [200, 226],
  PWD: [257],
  CWD: [250, 200],
  EPSV: [229],
  PASV: [227],
  REST: [350],
  SIZE: [213],
  MDTM: [213],
  MFMT: [213, 200, 250],
  MLST: [250],
  MKD: [257, 250],
  RMD: [250],
  DELE: [250],
  RNFR: [350],
  RNTO: [250],
  NOOP: [200, 250],
  QUIT: [221, 200, 226, 250],
};

/** What a transfer may say before and after its data. */
export const TRANSFER_BEGINS: readonly number[] = [110, 125, 150];
export const TRANSFER_ENDS: readonly number[] = [226, 250];

export function isSuccess(verb: string, code: number): boolean {
  const listed = SUCCESS[verb];
  // Raw commands of the definition: only a completed one is a success.
  return listed ? listed.includes(code) : code >= 200 && code < 300;
}

export function verbOf(command: string): string {
  return (command.split(" ")[0] ?? "").toUpperCase();
}

/** The server has none of this: do not ask again. */
export function isUnknownCommand(reply: FtpReply): boolean {
  return reply.code === 500 || reply.code === 502 || reply.code === 504;
}

const LONGEST_LINE = 64 * 1024;
const LONGEST_REPLY = 256 * 1024;

export interface ReplyReader {
  /** Takes text however TCP cut it. `onLine` is told each whole line, `onReply` each whole reply. */
  push(text: string, onLine: (line: string) => void, onReply: (reply: FtpReply) => void): void;
  /** True between two replies, with nothing half received. */
  readonly isEmpty: boolean;
}

/** Puts lines, and of them replies, together. A line without its end is never handed on. */
export function createReplyReader(): ReplyReader {
  let rest = "";
  let open: string[] = [];
  let length = 0;

  const take = (line: string, onReply: (reply: FtpReply) => void): void => {
    if (open.length === 0 && line.trim() === "") return;
    length += line.length;
    if (length > LONGEST_REPLY) throw new AgentError("FERRY_LIMIT", "the server's reply is longer than 256 KiB");
    if (open.length === 0 && !/^[1-5]\d\d(?:[ -]|$)/.test(line)) throw notFtp(line);
    open.push(line);
    const code = open[0]?.slice(0, 3) ?? "";
    const isLast = open.length === 1 ? line[3] !== "-" : line === code || line.startsWith(`${code} `);
    if (!isLast) return;
    const lines = open;
    open = [];
    length = 0;
    onReply({ code: Number(code), message: lines.join("\n"), lines });
  };

  return {
    push(text, onLine, onReply) {
      if (text.includes("\0")) throw new AgentError("FERRY_PROTOCOL", "the server sent a NUL in a reply");
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const raw of lines) {
        const line = raw.replace(/\r+$/, "");
        if (line.length > LONGEST_LINE) throw tooLong();
        onLine(line);
        take(line, onReply);
      }
      if (rest.length > LONGEST_LINE) throw tooLong();
    },
    get isEmpty() {
      return rest === "" && open.length === 0;
    },
  };
}

function tooLong(): AgentError {
  return new AgentError("FERRY_LIMIT", "a line of the server's reply is longer than 64 KiB");
}

const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^SSH-\d/, "an SSH server: use `protocol: sftp`"],
  [/^HTTP\/\d|^<(?:!doctype|html)/i, "a web server"],
  [/^\* OK|^\+OK/, "a mail server"],
  [/^RFB \d/, "a remote desktop"],
];

function notFtp(line: string): AgentError {
  const other = OTHERS.find(([pattern]) => pattern.test(line))?.[1];
  const message = other ? `this is not an FTP server but ${other}` : "the server's reply is not an FTP reply";
  return new AgentError("FERRY_PROTOCOL", message, { cause: line.slice(0, 200) });
}
