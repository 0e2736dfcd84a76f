import type { Command, Session } from "./session.js";

const features = ["AUTH TLS", "PBSZ", "PROT", "UTF8", "EPSV", "SIZE", "MDTM", "MFMT", "REST STREAM", "TVFS"];

/** The commands that a client may use before it is logged in. */
export const loginCommands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["AUTH", auth],
  ["PBSZ", (session) => session.reply(200, "PBSZ=0")],
  ["PROT", prot],
  ["USER", user],
  ["PASS", pass],
  [
    "FEAT",
    (session) => session.replyLines(211, "Features:", [...features, "MLST type*;size*;modify*;UNIX.mode*;"], "End"),
  ],
  ["SYST", (session) => session.reply(215, "UNIX Type: L8")],
  ["OPTS", opts],
  ["NOOP", (session) => session.reply(200, "still here")],
  ["QUIT", quit],
]);

async function auth(session: Session, argument: string): Promise<void> {
  if (session.secured) return session.reply(503, "the connection is under TLS already");
  if (!/^(TLS|TLS-C|SSL)$/i.test(argument)) return session.reply(504, "only AUTH TLS is known");
  session.secured = true;
  session.startTls("234 begin the TLS handshake");
}

async function prot(session: Session, argument: string): Promise<void> {
  if (!/^P$/i.test(argument)) return session.reply(534, "only PROT P: data is not sent in clear");
  session.protectedData = true;
  session.reply(200, "data connections are under TLS");
}

async function user(session: Session, argument: string): Promise<void> {
  session.loggedIn = false;
  session.named = argument;
  session.reply(331, "now the password");
}

async function pass(session: Session, argument: string): Promise<void> {
  if (session.named === undefined) return session.reply(503, "USER first");
  if (session.named === session.user && argument === session.password) {
    session.loggedIn = true;
    return session.reply(230, "welcome");
  }
  session.named = undefined;
  session.refusedLogins += 1;
  if (session.refusedLogins < 3) return session.reply(530, "wrong user or password");
  session.reply(421, "wrong user or password, three times");
  session.end();
}

async function opts(session: Session, argument: string): Promise<void> {
  if (/^UTF8 ON$/i.test(argument)) return session.reply(200, "names are always UTF-8");
  if (/^MLST\b/i.test(argument)) return session.reply(200, "MLST OPTS type;size;modify;UNIX.mode;");
  session.reply(501, "no such option");
}

async function quit(session: Session): Promise<void> {
  session.reply(221, "goodbye");
  session.end();
}
