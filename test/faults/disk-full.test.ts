import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { TestFerry } from "../support/ferry.js";
import { type FtpSession, type ScriptedFtp, scriptedFtp } from "../support/scripted-ftp.js";
import { canMount, smallDisk } from "../support/servers/disk.js";
import { startOpenssh } from "../support/servers/openssh.js";
import { startProftpd } from "../support/servers/proftpd.js";
import { startPureFtpd } from "../support/servers/pure-ftpd.js";
import { requireServer } from "../support/servers/require-server.js";
import { startVsftpd } from "../support/servers/vsftpd.js";
import { contentOf, filesIn, later, outcome, runJob, serving, workspace } from "./stage.js";

/**
 * A disk that is full, at the server, here, or under the history: the failure is definite and named, nothing stands under
 * the final name, nothing is left behind, the source stays, and when there is room again the same command succeeds.
 */
const CONTENT = Buffer.alloc(3_000_000, "ledger;4711;12.50\n");
const TIMEOUT = "timeout: { connect: 5s, reply: 5s, stall: 5s, completion: 5s }";
const RETRY = "retry: { attempts: 2, delay: 10ms }\n";
const PUSH = `${RETRY}tasks: [{ upload: { connection: partner, from: out/*.csv, after: { move: sent/ } } }]\n`;

function disk(size: `${number}${"k" | "m"}`): string {
  const made = smallDisk(size);
  if (!made) throw new Error("canMount() said that disks can be made");
  later(() => made.remove());
  return made.path;
}

/** Fills what is left, but for `spare` bytes. */
function fill(folder: string, spare = 0): void {
  const file = openSync(join(folder, "filler"), "w");
  try {
    const { bavail, bsize } = statfsSync(folder);
    const block = Buffer.alloc(4096);
    for (let left = bavail * bsize - spare; left > 0; left -= block.length) writeSync(file, block);
  } catch {
    // Full is what was wanted.
  } finally {
    closeSync(file);
  }
}

function free(folder: string): void {
  rmSync(join(folder, "filler"));
}

interface Place {
  readonly connection: string;
  /** What the server keeps its files on. */
  readonly folder: string;
}

async function onProftpd(): Promise<Place> {
  const server = await serving(startProftpd());
  return { folder: onSmallDisk(server.root), connection: ftp(server, "/") };
}

async function onPureFtpd(): Promise<Place> {
  const server = await serving(startPureFtpd());
  return { folder: onSmallDisk(server.root), connection: ftp(server, "/") };
}

async function onVsftpd(): Promise<Place> {
  const server = await serving(startVsftpd());
  return { folder: onSmallDisk(server.root), connection: ftp(server, "/") };
}

async function onOpenssh(): Promise<Place> {
  const server = await serving(startOpenssh());
  const { user, password, port, root } = server;
  const login = `address: 127.0.0.1, port: ${port}, username: ${user}, password: '${password}'`;
  return {
    folder: onSmallDisk(root),
    connection: `protocol: sftp, ${login}, fingerprint: '${server.fingerprints().ed25519}', directory: ${root}, ${TIMEOUT}`,
  };
}

/** Puts a small disk in the place of a server's folder. */
function onSmallDisk(root: string): string {
  execFileSync("mount", ["--bind", disk("4m"), root]);
  later(() => execFileSync("umount", ["-l", root]));
  return root;
}

function ftp({ port, user, password }: { port: number; user: string; password: string }, directory: string): string {
  return `protocol: ftp, encryption: { protocol: none }, address: 127.0.0.1, port: ${port}, username: ${user}, password: '${password}', directory: ${directory}, ${TIMEOUT}`;
}

describe.skipIf(!canMount() || !requireServer("pure-ftpd", "proftpd", "vsftpd", "openssh"))(
  "the server's disk is full",
  () => {
    test.each([
      // The three say "451 Error during write to file", "Input/output error", "Failure writing to local file", and not why.
      { name: "pure-ftpd", place: onPureFtpd, code: "FERRY_SERVER_BUSY" },
      { name: "proftpd", place: onProftpd, code: "FERRY_SERVER_BUSY" },
      { name: "vsftpd", place: onVsftpd, code: "FERRY_SERVER_BUSY" },
      { name: "OpenSSH", place: onOpenssh, code: "FERRY_SERVER_DISK_FULL" },
    ])(
      "an upload to $name fails with $code, leaves nothing, and succeeds when there is room",
      async ({ place, code }) => {
        const { connection, folder } = await place();
        const ferry = workspace(connection, PUSH);
        ferry.write("out/ledger.csv", CONTENT);
        fill(folder, 1_000_000);

        const first = await runJob(ferry);
        expect({
          code: first.code,
          ...outcome(first),
          there: filesIn(folder),
          here: filesIn(join(ferry.folder, "out")),
        }).toEqual({
          ...{ code: 1, run: ["failed", code], transfers: [["failed", code]] },
          ...{ there: ["filler"], here: ["ledger.csv"] },
        });
        expect(first.run.error).toMatchObject({
          cause: expect.stringMatching(/\S/),
          hint: expect.stringMatching(/\S/),
        });

        free(folder);
        const second = await runJob(ferry);
        expect({
          code: second.code,
          ...outcome(second),
          there: filesIn(folder),
          here: filesIn(join(ferry.folder, "out")),
        }).toEqual({
          ...{ code: 0, run: ["succeeded", null], transfers: [["delivered", null]] },
          ...{ there: ["ledger.csv"], here: [] },
        });
        expect(contentOf(folder, "ledger.csv").equals(CONTENT)).toBe(true);
      },
    );
  },
);

test("a server that says 552, before or after the data, is told as FERRY_SERVER_DISK_FULL, and tried again", async () => {
  const answers = ["552 quota exceeded", "452 insufficient storage space"];
  const server = await serving(
    scriptedFtp({
      folders: ["/in"],
      async STOR(_, session) {
        const before = answers.length === 2;
        const refusal = answers.shift();
        if (before) return refusal;
        const reply = await session.usual();
        return refusal ?? reply;
      },
    }),
  );
  const ferry = workspace(ftp(server, "/in"), PUSH);
  ferry.write("out/ledger.csv", CONTENT);
  expect({ ...outcome(await runJob(ferry)), there: [...server.files.keys()] }).toEqual({
    ...{ run: ["failed", "FERRY_SERVER_DISK_FULL"], transfers: [["failed", "FERRY_SERVER_DISK_FULL"]], there: [] },
  });
  expect({ ...outcome(await runJob(ferry)), there: [...server.files.keys()] }).toEqual({
    ...{ run: ["succeeded", null], transfers: [["delivered", null]], there: ["/in/ledger.csv"] },
  });
});

describe.skipIf(!canMount())("the disk here is full", () => {
  test("a download fails with FERRY_DISK_FULL, leaves nothing, and the server keeps its file", async () => {
    const server = await serving(scriptedFtp({ files: { "/out/ledger.csv": CONTENT } }));
    const folder = disk("4m");
    const ferry = workspace(
      ftp(server, "/out"),
      `${RETRY}tasks: [{ download: { connection: partner, from: '*.csv', to: ${folder}/, after: delete } }]\n`,
    );
    fill(folder, 1_000_000);

    const first = await runJob(ferry);
    expect({ code: first.code, ...outcome(first), here: filesIn(folder), there: [...server.files.keys()] }).toEqual({
      ...{ code: 1, run: ["failed", "FERRY_DISK_FULL"], transfers: [["failed", "FERRY_DISK_FULL"]] },
      ...{ here: ["filler"], there: ["/out/ledger.csv"] },
    });

    free(folder);
    const second = await runJob(ferry);
    expect({ code: second.code, ...outcome(second), here: filesIn(folder), there: [...server.files.keys()] }).toEqual({
      ...{ code: 0, run: ["succeeded", null], transfers: [["delivered", null]] },
      ...{ here: ["ledger.csv"], there: [] },
    });
    expect(contentOf(folder, "ledger.csv").equals(CONTENT)).toBe(true);
  });
});

describe.skipIf(!canMount())("the workspace's disk is full: no effect without a record", () => {
  test("before the run: the server is not even called", async () => {
    const { ferry, server, folder } = await onFullWorkspace();
    fill(folder);
    const ended = await ferry.run(["job", "run", "push"]);
    expect([ended.code, ended.stderr.includes("error[FERRY_STORAGE]"), server.sessions]).toEqual([1, true, 0]);
    free(folder);
    expect(outcome(await runJob(ferry))).toEqual({ run: ["succeeded", null], transfers: [["delivered", null]] });
  });

  test.each([
    { at: "STOR", visible: [], said: 0 },
    // The rename had been recorded before it was asked for; only its answer could not be.
    { at: "RNTO", visible: ["/in/ledger.csv"], said: 1 },
  ] as const)(
    "from $at on: nothing further is done, and the next process goes on from there",
    async ({ at, visible, said }) => {
      const { ferry, server, folder } = await onFullWorkspace(at);
      const ended = await ferry.run(["job", "run", "push"]);
      expect({
        ...{ code: ended.code, stderr: ended.stderr.includes("error[FERRY_STORAGE]") },
        visible: [...server.files.keys()].filter((path) => !path.endsWith(".part")),
        ...{
          said: server.commands.filter((line) => line.startsWith("RNTO")).length,
          here: filesIn(join(ferry.folder, "out")),
        },
      }).toEqual({ code: 1, stderr: true, visible, said, here: ["ledger.csv"] });

      free(folder);
      const agent = await ferry.agent();
      await ferry.settled();
      await agent.end();
      await expectDeliveredOnce(ferry, server);
    },
  );

  test("an agent brings it to an end by itself when there is room again", async () => {
    const { ferry, server, folder, full } = await onFullWorkspace(
      "STOR",
      "triggers: [{ watch: { path: out, stable: 0s, batch: { window: 0s } } }]\n",
    );
    const agent = await ferry.agent();
    await full;
    await expect.poll(() => agent.output(), { timeout: 10_000 }).toContain("disk is full");
    free(folder);
    await ferry.settled(() => !filesIn(join(ferry.folder, "out")).includes("ledger.csv"));
    await agent.end();
    await expectDeliveredOnce(ferry, server);
  });
});

/** A workspace on a disk of its own, which is filled when the server gets the command `at` for the first time. */
async function onFullWorkspace(at?: "STOR" | "RNTO", triggers = "") {
  const folder = disk("4m");
  let filled = (): void => {};
  const full = new Promise<void>((resolve) => {
    filled = resolve;
  });
  let done = false;
  const fillOnce = async (_: string, session: FtpSession) => {
    const reply = await session.usual();
    if (!done) fill(folder);
    done = true;
    filled();
    return reply;
  };
  const server = await serving(scriptedFtp({ folders: ["/in"], ...(at ? { [at]: fillOnce } : {}) }));
  const usual = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  const ferry = workspace(
    ftp(server, "/in"),
    `${triggers}tasks: [{ upload: { connection: partner, from: out/*.csv, after: { move: sent/ } } }]\n`,
  );
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
  ferry.write("out/ledger.csv", SMALL);
  return { folder, server, ferry, full };
}

const SMALL = "account;amount\n4711;12.50\n".repeat(1000);

async function expectDeliveredOnce(ferry: TestFerry, server: ScriptedFtp): Promise<void> {
  const { deliveries } = await ferry.json<{ deliveries: { state: string }[] }>("history", "files");
  const { runs } = await ferry.json<{ runs: { state: string }[] }>("history");
  expect({
    states: deliveries.map(({ state }) => state).filter((state) => state !== "failed"),
    runs: runs.map(({ state }) => state),
    published: server.events.filter(({ kind, path }) => kind === "appeared" && path === "/in/ledger.csv").length,
    there: [...server.files].map(
      ([path, content]) => `${path} ${content.toString() === SMALL ? "whole" : "not whole"}`,
    ),
    here: filesIn(ferry.folder).filter((path) => path.endsWith(".csv")),
  }).toEqual({
    ...{ states: ["delivered"], runs: ["succeeded", "interrupted"], published: 1 },
    ...{ there: ["/in/ledger.csv whole"], here: ["sent/ledger.csv"] },
  });
}
