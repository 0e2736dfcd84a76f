import { expect, test } from "vitest";
import { type FtpScript, type FtpSession, scriptedFtp } from "../support/scripted-ftp.js";
import { filesIn, runJob, type ShownRun, serving, workspace } from "./stage.js";

/** The file is where it was to go, and its source stays: what `ferry history show` says of it. */
const CONTENT = "account;amount\n4711;12.50\n";

async function stage(script: FtpScript, job: string) {
  const server = await serving(scriptedFtp({ ...script, folders: ["/in"], files: { "/in/b.csv": CONTENT } }));
  const connection = `protocol: ftp, encryption: { protocol: none }, address: 127.0.0.1, port: ${server.port}, username: anna, password: pear tree, directory: /in, timeout: 10s`;
  const ferry = workspace(connection, job);
  ferry.write("out/a.csv", CONTENT);
  // A file where the folder is to be.
  ferry.write("sent", "");
  return { ferry, server };
}

function told({ run, tasks, transfers }: ShownRun) {
  return {
    run: [run.state, run.error?.code ?? null],
    tasks: tasks.map(({ state, attempts }) => [state, attempts]),
    transfers: transfers.map(({ state, error }) => [state, error?.code ?? null, error?.message ?? null]),
  };
}

test("an upload whose source could not be moved is delivered, and its transfer says what is wrong", async () => {
  const { ferry, server } = await stage(
    {},
    "tasks: [{ upload: { connection: partner, from: out/*.csv, after: { move: sent/ } } }]\n",
  );
  const ended = await runJob(ferry);
  const message = `delivered, but ${ferry.folder}/out/a.csv could not be put away: ${ferry.folder}/sent/a.csv: no such file or folder`;
  expect({ code: ended.code, ...told(ended) }).toEqual({
    code: 1,
    run: ["failed", "FERRY_DISPOSAL_FAILED"],
    tasks: [["failed", 1]],
    transfers: [["delivered", "FERRY_DISPOSAL_FAILED", message]],
  });
  expect(ended.transfers[0]?.error).toMatchObject({
    hint: "move it by hand, and check the permissions of its folder",
    task: "upload",
  });
  expect([filesIn(`${ferry.folder}/out`), server.files.has("/in/a.csv")]).toEqual([["a.csv"], true]);
});

const FETCH =
  "retry: { attempts: 2, delay: 10ms }\ntasks: [{ download: { connection: partner, from: b.csv, to: in/, after: delete } }]\n";

test("a download whose source the server does not delete is delivered, and its transfer says what is wrong", async () => {
  const { ferry, server } = await stage({ DELE: "550 you may not" }, FETCH);
  const ended = await runJob(ferry);
  expect({ code: ended.code, ...told(ended) }).toEqual({
    code: 1,
    run: ["failed", "FERRY_DISPOSAL_FAILED"],
    tasks: [["failed", 1]],
    transfers: [
      [
        "delivered",
        "FERRY_DISPOSAL_FAILED",
        "delivered, but b.csv could not be put away: /in/b.csv: the server refused",
      ],
    ],
  });
  expect([filesIn(`${ferry.folder}/in`), server.files.has("/in/b.csv")]).toEqual([["b.csv"], true]);
});

test("once the next try has deleted it, the transfer says so no longer", async () => {
  const replies = ["450 not now"];
  const { ferry, server } = await stage(
    { DELE: (_: string, session: FtpSession) => replies.shift() ?? session.usual() },
    FETCH,
  );
  const ended = await runJob(ferry);
  expect({ code: ended.code, ...told(ended) }).toEqual({
    code: 0,
    run: ["succeeded", null],
    tasks: [["succeeded", 2]],
    transfers: [["delivered", null, null]],
  });
  expect(server.files.has("/in/b.csv")).toBe(false);
});
