import { expect, test } from "vitest";
import type { FtpScript, FtpSession } from "../support/scripted-ftp.js";
import { scriptedFtp } from "../support/scripted-ftp.js";
import { newHostKey, type SftpScript, scriptedSftp } from "../support/scripted-sftp.js";
import { serverCertificate, testAuthority } from "../support/servers/certificates.js";
import { runJob, type ShownRun, serving, workspace } from "./stage.js";

/**
 * A server that says nothing any more, at each step. One run has a task for each step, with a server of its own. Every
 * task ends by its deadline, and says which one it was; what was published is found again and told as delivered.
 */
const CONTENT = Buffer.alloc(200_000, "ledger;4711;12.50\n");
const TIMEOUT = "timeout: { connect: 1s, reply: 1s, stall: 1s, completion: 1s }";

interface Silence<Script> {
  readonly id: string;
  /** The delivery's state, its code, and what stands on the server under the final name. */
  readonly told: string;
  /** More than the system takes in before anybody reads. */
  readonly big?: true;
  readonly script: Script;
}

const REPLY = "failed FERRY_REPLY_TIMEOUT, nothing";
const DELIVERED = "delivered, whole";

/** Does this, and says nothing more. */
function then(work: (session: FtpSession) => Promise<unknown>) {
  return async (_: string, session: FtpSession) => {
    await work(session);
    return session.hang();
  };
}

/** The reply to the first one never comes; what was asked for is done, or not. */
function silentOnce(done: boolean) {
  let met = false;
  return async (_: string, session: FtpSession) => {
    if (met) return session.usual();
    met = true;
    if (done) await session.usual();
    return session.hang();
  };
}

const ftpSteps = (): readonly Silence<FtpScript>[] => [
  { id: "greeting", told: REPLY, script: { greeting: null } },
  { id: "user", told: REPLY, script: { stallAt: "USER" } },
  { id: "pass", told: REPLY, script: { stallAt: "PASS" } },
  { id: "feat", told: REPLY, script: { stallAt: "FEAT" } },
  { id: "opts", told: REPLY, script: { stallAt: "OPTS" } },
  { id: "type", told: REPLY, script: { stallAt: "TYPE" } },
  { id: "pwd", told: REPLY, script: { stallAt: "PWD" } },
  { id: "cwd", told: REPLY, script: { stallAt: "CWD" } },
  { id: "mlst", told: REPLY, script: { stallAt: "MLST" } },
  { id: "epsv", told: REPLY, script: { stallAt: "EPSV" } },
  { id: "stor", told: REPLY, script: { stallAt: "STOR" } },
  {
    id: "data",
    big: true,
    told: "failed FERRY_STALLED, nothing",
    script: { STOR: then((session) => session.openData()) },
  },
  {
    id: "no-226",
    told: "failed FERRY_COMPLETION_TIMEOUT, nothing",
    script: { STOR: then((session) => session.usual()) },
  },
  { id: "mfmt", told: REPLY, script: { stallAt: "MFMT" } },
  // It was never asked to rename anything.
  { id: "rnfr", told: REPLY, script: { stallAt: "RNFR" } },
  { id: "rnto-never", told: "held FERRY_HELD, nothing", script: { stallAt: "RNTO" } },
  // Looked at again: what was done is delivered, what was not is done then.
  { id: "rnto-done", told: DELIVERED, script: { RNTO: silentOnce(true) } },
  { id: "rnto-not-done", told: DELIVERED, script: { RNTO: silentOnce(false) } },
  {
    id: "rnto-done-and-taken",
    told: "held FERRY_HELD, nothing",
    script: { RNTO: silentOnce(true), takenAtOnce: true },
  },
  { id: "quit", told: DELIVERED, script: { stallAt: "QUIT" } },
];

const TLS_STEPS: readonly Silence<FtpScript>[] = [
  { id: "auth", told: REPLY, script: { stallAt: "AUTH" } },
  {
    id: "after-auth",
    told: "failed FERRY_CONNECT_TIMEOUT, nothing",
    script: { AUTH: then((session) => session.reply("234 go ahead")) },
  },
  { id: "pbsz", told: REPLY, script: { stallAt: "PBSZ" } },
  { id: "prot", told: REPLY, script: { stallAt: "PROT" } },
];

function sftpOnce(outcome: "do-and-ignore" | "ignore") {
  return ({ occurrence }: { occurrence: number }) => (occurrence === 1 ? outcome : undefined);
}

const sftpSteps = (): readonly Silence<SftpScript>[] => [
  { id: "realpath", told: REPLY, script: { REALPATH: "ignore" } },
  { id: "lstat", told: REPLY, script: { LSTAT: "ignore" } },
  { id: "open", told: REPLY, script: { OPEN: "ignore" } },
  { id: "write", told: "failed FERRY_STALLED, nothing", script: { WRITE: "ignore" } },
  { id: "fstat", told: "failed FERRY_COMPLETION_TIMEOUT, nothing", script: { FSTAT: "ignore" } },
  { id: "close", told: "failed FERRY_COMPLETION_TIMEOUT, nothing", script: { CLOSE: "ignore" } },
  { id: "setstat", told: REPLY, script: { SETSTAT: "ignore" } },
  // The second one asks what stands under the final name: it was never asked to rename anything.
  {
    id: "rename-lstat",
    told: REPLY,
    script: { LSTAT: ({ occurrence }) => (occurrence > 1 ? "ignore" : undefined) },
  },
  { id: "rename-done", told: DELIVERED, script: { RENAME: sftpOnce("do-and-ignore") } },
  { id: "rename-not-done", told: DELIVERED, script: { RENAME: sftpOnce("ignore") } },
  {
    id: "rename-done-and-taken",
    told: "held FERRY_HELD, nothing",
    script: { RENAME: sftpOnce("do-and-ignore"), takenAtOnce: true },
  },
  { id: "rename-never", told: "held FERRY_HELD, nothing", script: { RENAME: "ignore" } },
];

/** RSA: what ssh2 makes of ed25519 is now and then not a key that it can read. */
const HOST_KEY = newHostKey("rsa");

interface Server {
  readonly port: number;
  readonly files: ReadonlyMap<string, Buffer>;
  close(): Promise<void>;
}

test("a server that falls silent ends each task by its deadline, and with its deadline's name", {
  timeout: 120_000,
}, async () => {
  const groups = [
    group("in clear", ftpSteps(), ftp("none")),
    group("with TLS", [...TLS_STEPS, ...ftpSteps()], ftp("tls")),
    group("over SFTP", sftpSteps(), sftp),
  ];
  // Beside each other: they do nothing but wait.
  const told = await Promise.all(groups.map((one) => one.run()));
  expect(told).toEqual(groups.map((one) => one.expected));
});

function group<Script>(name: string, silences: readonly Silence<Script>[], start: Start<Script>) {
  const line = (text: string): string => `${name}, ${text}`;
  return {
    expected: [...silences.map((one) => line(`${one.id}: ${one.told}`)), line("the run: 1 failed")],
    run: async () => (await allTold(silences, start)).map(line),
  };
}

type Start<Script> = (script: Script) => Promise<{ readonly server: Server; readonly connection: string }>;

function ftp(security: "none" | "tls"): Start<FtpScript> {
  return async (script) => {
    const tls = security === "tls" ? { tls: serverCertificate() } : {};
    const server = await serving(scriptedFtp({ ...script, ...tls, folders: ["/in"] }));
    const encryption =
      security === "tls" ? `certificates: { ca: ${testAuthority().caFile} }` : "encryption: { protocol: none }";
    return { server, connection: `protocol: ftp, ${encryption}` };
  };
}

async function sftp(script: SftpScript): ReturnType<Start<SftpScript>> {
  const server = await serving(scriptedSftp({ ...script, folders: ["/in"], hostKey: HOST_KEY }));
  return { server, connection: `protocol: sftp, fingerprint: '${server.fingerprint}'` };
}

async function allTold<Script>(silences: readonly Silence<Script>[], start: Start<Script>): Promise<readonly string[]> {
  const started = await Promise.all(silences.map(async (silence) => ({ silence, ...(await start(silence.script)) })));
  const connections = started.map(({ silence, server, connection }) => {
    const login = `address: 127.0.0.1, port: ${server.port}, username: anna, password: pear tree, directory: /in, ${TIMEOUT}`;
    return `  ${silence.id}: { ${connection}, ${login} }\n`;
  });
  const tasks = silences.map(
    ({ id, big }) =>
      `  - { id: ${id}, onError: continue, upload: { connection: ${id}, from: out/${big ? "big" : "a"}.csv, name: a.csv } }\n`,
  );
  const ferry = workspace("", `retry: { attempts: 1 }\ntasks:\n${tasks.join("")}`, {
    "connections.yaml": `connections:\n${connections.join("")}`,
  });
  ferry.write("out/a.csv", CONTENT);
  ferry.write("out/big.csv", Buffer.alloc(30_000_000));
  const ended = await runJob(ferry);
  return [
    ...started.map(({ silence, server }) => `${silence.id}: ${told(ended, silence.id, server)}`),
    `the run: ${ended.code} ${ended.run.state}`,
  ];
}

function told({ tasks, transfers }: ShownRun, id: string, server: Server): string {
  const error = tasks.find((task) => task.id === id)?.error;
  const states = transfers
    .filter(({ task }) => task === id)
    .map(({ state, error: why }) => `${state}${why === null ? "" : ` ${why.code}`}`);
  const complete = error === null || error === undefined || (error.hint && error.message) ? "" : ", WITHOUT A HINT";
  const content = server.files.get("/in/a.csv");
  const there = content === undefined ? "nothing" : content.equals(CONTENT) ? "whole" : "NOT WHOLE";
  return `${states.join(" and ") || "no row"}, ${there}${complete}`;
}
