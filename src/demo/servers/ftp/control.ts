import type { Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";
import { explain, type Folder } from "../folder.js";
import { dataChannel } from "./data.js";
import { fileCommands } from "./files.js";
import { lineReader } from "./lines.js";
import { loginCommands } from "./login.js";
import type { Command, Session } from "./session.js";
import { transferCommands } from "./transfers.js";

export interface ControlSetup {
  readonly user: string;
  readonly password: string;
  readonly folder: Folder;
  readonly context: SecureContext;
  readonly requireResumption: boolean;
  readonly log: (line: string) => void;
}

/** Talks with one client until either side hangs up; the result cuts it off. */
export function serveControl(socket: Socket, setup: ControlSetup): () => void {
  const line = connection(socket, setup.log);
  const data = dataChannel({
    context: setup.context,
    host: socket.remoteAddress,
    requireResumption: setup.requireResumption,
    note: (text) => setup.log(`* ${text}`),
  });
  const session: Session = {
    user: setup.user,
    password: setup.password,
    folder: setup.folder,
    data,
    reply: (code, text) => line.send(`${code} ${text}`),
    replyLines: (code, first, between, last) => {
      for (const text of [`${code}-${first}`, ...between.map((text) => ` ${text}`), `${code} ${last}`]) line.send(text);
    },
    startTls: (reply) => line.startTls(reply, setup.context),
    end: line.end,
    secured: false,
    protectedData: false,
    named: undefined,
    loggedIn: false,
    refusedLogins: 0,
    directory: "/",
    restartAt: 0,
    renameFrom: undefined,
  };
  line.serve((text) => execute(session, text), { urgent: data.abort, gone: data.abort });
  session.reply(220, "Ferry demo server, for this machine only");
  return line.cut;
}

const commands = new Map<string, Command>([...loginCommands, ...fileCommands, ...transferCommands]);
const inClear = new Set(["AUTH", "FEAT", "SYST", "OPTS", "NOOP", "QUIT"]);

async function execute(session: Session, line: string): Promise<void> {
  const [, word = "", argument = ""] = /^(\S*) ?(.*)$/s.exec(line) ?? [];
  const verb = word.toUpperCase();
  const command = commands.get(verb);
  if (command === undefined) return session.reply(502, `${verb} is not implemented`);
  if (!session.secured && !inClear.has(verb))
    return session.reply(530, "use AUTH TLS first: nothing is served in clear");
  if (!session.loggedIn && !loginCommands.has(verb)) return session.reply(530, "log in with USER and PASS");
  try {
    await command(session, argument);
  } catch (error) {
    session.reply(550, explain(error).text);
  }
}

interface Handlers {
  /** ABOR came, which does not wait for its turn. */
  readonly urgent: () => void;
  /** The client is gone. */
  readonly gone: () => void;
}

/** The socket below a session, first in clear and then under TLS: whole lines in, one after the other, and lines out. */
function connection(raw: Socket, log: (line: string) => void) {
  let stream: Socket = raw;
  let turn: Promise<void> = Promise.resolve();
  let waiting = 0;
  const send = (line: string): void => {
    log(`> ${line}`);
    if (stream.writable) stream.write(`${line}\r\n`);
  };
  const cut = (): void => void stream.destroy();
  let take: (line: string) => void = () => {};
  const reader = lineReader({ line: (text) => take(text), tooLong: cut });
  return {
    send,
    cut,
    end: () => void stream.end(),
    serve(execute: (line: string) => Promise<void>, { urgent, gone }: Handlers): void {
      take = (line) => {
        log(`< ${line.replace(/^(PASS|ACCT) .*/i, "$1 ********")}`);
        if (++waiting > 100) return cut();
        if (/^ABOR$/i.test(line)) urgent();
        turn = turn.then(() => execute(line)).finally(() => waiting--);
      };
      raw.on("data", reader.receive).on("error", () => {});
      raw.on("close", gone).setNoDelay(true);
      raw.setTimeout(15 * 60_000, cut);
    },
    startTls(reply: string, context: SecureContext): void {
      // What came in clear behind AUTH could be somebody else's words (RFC 4217, 15): not one is obeyed.
      if (waiting > 1 || !reader.isEmpty()) {
        cut();
        return;
      }
      raw.off("data", reader.receive);
      send(reply);
      const secure = new TLSSocket(raw, { isServer: true, secureContext: context });
      stream = secure;
      secure.on("data", reader.receive).on("error", cut);
    },
  };
}
