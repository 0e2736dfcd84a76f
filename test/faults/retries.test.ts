import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TestFerry } from "../support/ferry.js";
import { type FtpScript, type FtpSession, type ScriptedFtp, scriptedFtp } from "../support/scripted-ftp.js";
import { newHostKey, scriptedSftp } from "../support/scripted-sftp.js";
import { contentOf, filesIn, outcome, runJob, serving, shown, transcript, workspace } from "./stage.js";

/** What is tried again and what is not, what follows a failure, and how a run is ended from outside. */
const CONTENT = "account;amount\n4711;12.50\n".repeat(100);
const RETRY = "retry: { attempts: 3, delay: 10ms }\n";
const PUSH = `${RETRY}tasks: [{ upload: { connection: partner, from: out/*.csv, after: { move: sent/ } } }]\n`;

function connectionTo({ port }: { port: number }): string {
  return `protocol: ftp, encryption: { protocol: none }, address: 127.0.0.1, port: ${port}, username: anna, password: pear tree, directory: /in, timeout: 10s`;
}

async function stage(script: FtpScript, job = PUSH): Promise<{ ferry: TestFerry; server: ScriptedFtp }> {
  const server = await serving(scriptedFtp({ ...script, folders: ["/in"] }));
  const ferry = workspace(connectionTo(server), job);
  ferry.write("out/a.csv", CONTENT);
  return { ferry, server };
}

/** The first answers are these, then the usual one. */
function first(...replies: string[]) {
  return (_: string, session: FtpSession) => replies.shift() ?? session.usual();
}

/** How often a file came into being under its final name. */
function published(server: Pick<ScriptedFtp, "events">): number {
  return server.events.filter(({ kind, path }) => kind === "appeared" && path === "/in/a.csv").length;
}

test.each([
  { where: "the login", script: { USER: first("421 too many connections", "421 too many connections") } },
  { where: "the password, for now", script: { PASS: first("430 temporarily not possible", "450 try again later") } },
  { where: "STOR", script: { STOR: first("450 the file is busy", "421 going down") } },
  { where: "the data connection", script: { STOR: first("425 cannot open it", "425 cannot open it") } },
  { where: "the rename", script: { RNTO: first("450 the file is busy", "450 the file is busy") } },
])("$where refused twice for now is tried again, and delivered once", async ({ script }) => {
  const { ferry, server } = await stage(script);
  const ended = await runJob(ferry);
  expect({
    code: ended.code,
    ...outcome(ended),
    attempts: ended.tasks[0]?.attempts,
    published: published(server),
    there: [...server.files.keys()],
  }).toEqual({
    ...{
      code: 0,
      run: ["succeeded", null],
      transfers: [["delivered", null]],
      attempts: 3,
      published: 1,
      there: ["/in/a.csv"],
    },
  });
  expect(filesIn(join(ferry.folder, "sent"))).toEqual(["a.csv"]);
});

test.each([
  { where: "STOR", script: { STOR: "550 you may not" }, code: "FERRY_SERVER_REFUSED", said: "STOR" },
  { where: "RNTO", script: { RNTO: "550 you may not" }, code: "FERRY_SERVER_REFUSED", said: "RNTO" },
  { where: "the folder", script: { CWD: "550 no such folder" }, code: "FERRY_REMOTE_NOT_FOUND", said: "CWD" },
])("$where refused for good is not tried again, and nothing is left", async ({ script, code, said }) => {
  const { ferry, server } = await stage(script);
  const ended = await runJob(ferry);
  expect({
    code: ended.code,
    ...outcome(ended),
    attempts: ended.tasks[0]?.attempts,
    there: [...server.files.keys()],
  }).toEqual({
    ...{ code: 1, run: ["failed", code], transfers: [["failed", code]], attempts: 1, there: [] },
  });
  expect(ended.run.error).toMatchObject({ cause: expect.stringMatching(/^550 /), hint: expect.stringMatching(/\S/) });
  expect(server.commands.filter((line) => line.startsWith(said)).length).toBe(1);
  expect(readFileSync(join(ferry.folder, "out/a.csv"), "utf8")).toBe(CONTENT);
});

test("what follows a failure runs and knows why, and so does what follows in any case", async () => {
  const follow =
    "onFailure: [{ write: { to: failed.txt, text: '{{ run.error.code }}: {{ run.error }}' } }]\n" +
    "onSuccess: [{ write: { to: succeeded.txt, text: fine } }]\n" +
    "onFinish: [{ write: { to: 'finished-{{ run.id }}.txt', text: done } }]\n";
  const { ferry } = await stage({ STOR: first("550 you may not") }, `${PUSH}${follow}`);
  const failed = await runJob(ferry);
  expect([failed.code, failed.tasks.map(({ kind, state }: { kind?: string; state: string }) => [kind, state])]).toEqual(
    [
      1,
      [
        ["upload", "failed"],
        ["write", "succeeded"],
        ["write", "succeeded"],
      ],
    ],
  );
  expect(contentOf(ferry.folder, "failed.txt").toString()).toMatch(/^FERRY_SERVER_REFUSED: .*the server refused/);
  expect(filesIn(ferry.folder).filter((path) => path.endsWith(".txt"))).toEqual(["failed.txt", "finished-1.txt"]);

  expect((await runJob(ferry)).code).toBe(0);
  expect(filesIn(ferry.folder).filter((path) => path.endsWith(".txt"))).toEqual([
    "failed.txt",
    "finished-1.txt",
    "finished-2.txt",
    "succeeded.txt",
  ]);
});

/** Takes the data connection and then nothing: the upload is under way for as long as it is let. */
const ENDLESS: FtpScript = {
  async STOR(name, session) {
    session.tree.write(session.path(name), Buffer.alloc(0));
    await session.openData();
    return session.hang();
  },
};
const BIG = Buffer.alloc(30_000_000);

test("a run that is not over by its timeout is timed-out: nothing is published, and its sockets are closed", async () => {
  const { ferry, server } = await stage(
    ENDLESS,
    `timeout: 2s\n${PUSH}onFailure: [{ write: { to: failed.txt, text: '{{ run.error.code }}' } }]\n`,
  );
  ferry.write("out/a.csv", BIG);
  const ended = await runJob(ferry);
  expect({
    code: ended.code,
    ...outcome(ended),
    task: ended.tasks[0]?.state,
    published: published(server),
    source: existsSync(join(ferry.folder, "out/a.csv")),
  }).toEqual({
    ...{
      code: 1,
      run: ["timed-out", "FERRY_RUN_TIMEOUT"],
      transfers: [["failed", "FERRY_RUN_TIMEOUT"]],
      task: "timed-out",
      published: 0,
      source: true,
    },
  });
  expect(contentOf(ferry.folder, "failed.txt").toString()).toBe("FERRY_RUN_TIMEOUT");
});

test("a task that is not over by its timeout is timed-out, and the run fails", async () => {
  const job = `${RETRY}tasks: [{ timeout: 2s, upload: { connection: partner, from: out/*.csv } }]\n`;
  const { ferry, server } = await stage(ENDLESS, job);
  ferry.write("out/a.csv", BIG);
  const ended = await runJob(ferry);
  expect({ code: ended.code, ...outcome(ended), task: ended.tasks[0]?.state, published: published(server) }).toEqual({
    ...{
      code: 1,
      run: ["failed", "FERRY_RUN_TIMEOUT"],
      transfers: [["failed", "FERRY_RUN_TIMEOUT"]],
      task: "timed-out",
      published: 0,
    },
  });
});

test("a download that is not over by its timeout leaves nothing of it, here", async () => {
  const half: FtpScript = {
    async RETR(_, session) {
      (await session.openData()).write(CONTENT.slice(0, 1000));
      return session.hang();
    },
  };
  const server = await serving(scriptedFtp({ ...half, files: { "/in/a.csv": CONTENT } }));
  const ferry = workspace(
    connectionTo(server),
    "timeout: 2s\ntasks: [{ download: { connection: partner, from: a.csv, to: got/, after: delete } }]\n",
  );
  const ended = await runJob(ferry);
  expect({
    code: ended.code,
    ...outcome(ended),
    here: filesIn(join(ferry.folder, "got")),
    there: [...server.files.keys()],
  }).toEqual({
    ...{
      code: 1,
      run: ["timed-out", "FERRY_RUN_TIMEOUT"],
      transfers: [["failed", "FERRY_RUN_TIMEOUT"]],
      here: [],
      there: ["/in/a.csv"],
    },
  });
});

test("an agent's run that is cancelled during its transfer publishes nothing, and lets go of the server", async () => {
  const { ferry, server } = await stage(ENDLESS);
  ferry.write("out/a.csv", BIG);
  const agent = await ferry.agent();
  const followed = ferry.run(["job", "run", "push", "--json"]);
  await server.waitFor("STOR");
  const cancelled = await ferry.run(["job", "cancel", "1"]);
  const ended = await followed;
  const document = await shown(ferry, 1);
  expect({
    codes: [cancelled.code, ended.code],
    ...outcome(document),
    task: document.tasks[0]?.state,
    published: published(server),
    source: filesIn(join(ferry.folder, "out")),
  }).toEqual({
    ...{
      codes: [0, 1],
      run: ["cancelled", "FERRY_CANCELLED"],
      transfers: [["failed", "FERRY_CANCELLED"]],
      task: "cancelled",
      published: 0,
      source: ["a.csv"],
    },
  });
  // Every TCP connection of the agent to the server has ended.
  expect(openSockets(agent.process.pid ?? 0)).toEqual([]);
  expect((await ferry.run(["job", "cancel", "1"])).code).toBe(2);
  expect((await ferry.run(["job", "cancel", "77"])).code).toBe(4);
  await agent.end();
});

test("a command that is interrupted cancels its run, publishes nothing, and ends with 130", async () => {
  const server = await serving(scriptedSftp({ hostKey: newHostKey("rsa"), folders: ["/in"], WRITE: "ignore" }));
  const ferry = workspace(
    `protocol: sftp, address: 127.0.0.1, port: ${server.port}, username: anna, password: pear tree, fingerprint: '${server.fingerprint}', directory: /in`,
    PUSH,
  );
  ferry.write("out/a.csv", CONTENT);
  const running = ferry.run(["job", "run", "push", "--json"], {
    under: ["sh", "-c", 'echo $$ > pid; exec "$@"', "sh"],
  });
  await server.waitFor("WRITE");
  const pid = Number(readFileSync(join(ferry.folder, "pid"), "utf8"));
  process.kill(pid, "SIGINT");
  const ended = await running;
  expect({ code: ended.code, ...outcome(await shown(ferry, 1)), published: published(server) }).toEqual({
    ...{ code: 130, run: ["cancelled", "FERRY_CANCELLED"], transfers: [["failed", "FERRY_CANCELLED"]], published: 0 },
  });
});

test("the transcript of a retry tells each try's lines", async () => {
  const { ferry } = await stage({ STOR: first("450 the file is busy") });
  await runJob(ferry);
  const lines = await transcript(ferry, 1);
  expect(
    lines
      .filter((line) => /STOR|^< (450|226)|RNTO|^< 250 renamed/.test(line))
      .map((line) => line.replace(/\.a\.csv\.\w+\.part/, "TEMPORARY")),
  ).toEqual([
    "> STOR /in/TEMPORARY",
    "< 450 the file is busy",
    "> STOR /in/TEMPORARY",
    "< 226 stored",
    "> RNTO /in/a.csv",
    "< 250 renamed",
  ]);
});

/** The TCP connections to somewhere that a process has open. */
function openSockets(pid: number): string[] {
  const established = "01";
  const inodes = new Map(
    readFileSync(`/proc/${pid}/net/tcp`, "utf8")
      .split("\n")
      .map((row) => row.trim().split(/\s+/))
      .filter((row) => row[3] === established)
      .map((row) => [row[9], `${row[1]} ${row[2]}`] as const),
  );
  return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    const inode = /socket:\[(\d+)\]/.exec(linkOf(`/proc/${pid}/fd/${descriptor}`))?.[1];
    return inodes.get(inode) ?? [];
  });
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
