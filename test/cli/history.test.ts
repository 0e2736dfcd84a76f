import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { columns } from "../../src/cli/text.js";
import { ferry, type Setting } from "./terminal.js";
import { environment, pushing } from "./workspace.js";

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const SHA = "5be08c9684a1d25efcee09318204824278b08bbfb4aef973ffefd0b9d7478313";
const LONG = `${"a-very-long-name-".repeat(6)}ledger.csv`;

/** A workspace in which run 1 delivered a file, and run 2 failed because it is there already. */
let at: Setting & { readonly folder: string };
let first: Awaited<ReturnType<typeof ferry>>;
let second: Awaited<ReturnType<typeof ferry>>;

beforeAll(async () => {
  const folder = pushing();
  at = { folder, env: environment() };
  writeFileSync(join(folder, "out", LONG), "a,b\n");
  first = await ferry(["job", "run", "push", "--json"], at);
  second = await ferry(["job", "run", "push"], at);
});

describe("job run", () => {
  test("a run that succeeded prints its document and ends with 0", () => {
    const { run, tasks, transfers } = first.json() as Record<string, unknown[]>;
    expect({ code: first.code, err: first.err, run, tasks, transfers }).toEqual({
      code: 0,
      err: "",
      run: {
        ...{
          id: 1,
          job: "push",
          state: "succeeded",
          trigger: "manual",
          scheduledAt: null,
          startedAt: ISO,
          finishedAt: ISO,
        },
        ...{ durationMs: expect.any(Number), attempt: 1, files: 1, bytes: 4, late: false, reason: null, error: null },
        ...{ continues: null, continuedBy: null },
      },
      tasks: [
        {
          id: "upload",
          kind: "upload",
          state: "succeeded",
          attempts: 1,
          startedAt: ISO,
          durationMs: expect.any(Number),
          error: null,
        },
      ],
      transfers: [
        {
          ...{
            task: "upload",
            connection: "share",
            direction: "upload",
            localPath: join(at.folder ?? "", "out", LONG),
            remotePath: join(at.folder, "target", LONG),
          },
          ...{
            temporaryPath: expect.any(String),
            bytes: 4,
            sha256: SHA,
            state: "delivered",
            startedAt: ISO,
            durationMs: expect.any(Number),
          },
          ...{ resumedFrom: null, verifiedBy: "size", reply: expect.any(String), error: null },
        },
      ],
    });
  });

  test("a run that failed prints its page, then the error once on stderr, and ends with 1", () => {
    expect({
      code: second.code,
      lines: second.err
        .split("\n")
        .map((line) => line.slice(0, 28))
        .filter((line) => !line.startsWith("  cause")),
    }).toEqual({
      code: 1,
      lines: ["error[FERRY_TARGET_EXISTS]: ", "  where: task upload", "  hint: set `ifExists` to ov", ""],
    });
    expect(second.out).toMatch(/^Run 2 {2}push {2}failed\n/);
    expect(second.out).not.toContain("error[");
  });

  test("--quiet leaves the page away", async () => {
    const { code, out } = await ferry(["job", "run", "push", "--quiet"], at);
    expect({ code, out }).toEqual({ code: 1, out: "" });
  });

  test.each([
    [["nope"], 4, "FERRY_NOT_FOUND"],
    [["push", "--var", "nope=1"], 2, "FERRY_USAGE"],
    [["push", "--detach"], 3, "FERRY_AGENT_NOT_RUNNING"],
  ])("%j ends with %d", async (argv, code, error) => {
    const ended = await ferry(["job", "run", ...argv, "--json"], at);
    expect({ code: ended.code, error: (ended.json() as { error: { code: string } }).error.code }).toEqual({
      code,
      error,
    });
  });
});

describe("history", () => {
  test("runs come newest first, and are narrowed down", async () => {
    const ids = async (...options: string[]): Promise<number[]> => {
      const { runs } = (
        await ferry(["history", "--json", "--job", "push", "--until", "now", ...options], at)
      ).json() as { runs: { id: number }[] };
      return runs.map((run) => run.id).filter((id) => id < 3);
    };
    expect(await ids()).toEqual([2, 1]);
    expect(await ids("--status", "succeeded")).toEqual([1]);
    expect(await ids("--since", "1h", "--trigger", "manual")).toEqual([2, 1]);
    expect(await ids("--trigger", "cron")).toEqual([]);
  });

  test("a table fits a terminal of 80 columns, and is whole where there is none", async () => {
    const narrow = await ferry(["history", "files", "--no-color"], { ...at, columns: 80 });
    expect(narrow.out.split("\n").filter((line) => columns(line) > 80)).toEqual([]);
    expect(narrow.out).toContain("ledger.csv");
    expect((await ferry(["history", "files"], at)).out).toContain(SHA);
  });

  test("a page is coloured on a terminal, and NO_COLOR is obeyed", async () => {
    const coloured = await ferry(["history", "show", "1"], { ...at, columns: 80 });
    expect(coloured.out).toContain("\u001b[32msucceeded\u001b[39m");
    const plain = await ferry(["history", "show", "1"], { ...at, columns: 80, env: { ...at.env, NO_COLOR: "1" } });
    expect(plain.out).not.toContain("\u001b");
  });

  test("show of a failed run has the error, its cause and its hint on the page, and ends with 0", async () => {
    const { code, out, err } = await ferry(["history", "show", "2"], at);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/\nerror\[FERRY_TARGET_EXISTS\]: .*\n {2}where: task upload\n/);
    expect(out).toContain("\n  hint: set `ifExists`");
  });

  test("log prints a line as the contract writes it; --json has the contract's keys", async () => {
    const { out } = await ferry(["history", "log", "1"], at);
    expect(out.split("\n")[0]).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] #1 \* \S/);
    const { lines } = (await ferry(["history", "log", "1", "--json"], at)).json() as { lines: object[] };
    expect(lines[0]).toEqual({
      at: ISO,
      session: 1,
      channel: expect.any(String),
      direction: "note",
      text: expect.any(String),
      task: "upload",
    });
  });

  test("log --follow of a run that has ended prints all of it, one document a line", async () => {
    const { code, out } = await ferry(["history", "log", "1", "--follow", "--json"], at);
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect({ code, keys: Object.keys(lines[0]) }).toEqual({
      code: 0,
      keys: ["at", "session", "channel", "direction", "text", "task"],
    });
    expect(lines.length).toBeGreaterThan(1);
  });

  test("files answers where a file is", async () => {
    const { deliveries } = (
      await ferry(["history", "files", "*ledger.csv", "--sha256", SHA.toUpperCase(), "--json"], at)
    ).json() as { deliveries: object[] };
    expect(deliveries).toMatchObject([
      {
        localPath: join(at.folder ?? "", "out", LONG),
        remotePath: join(at.folder, "target", LONG),
        connection: "share",
        job: "push",
        run: 1,
        bytes: 4,
        sha256: SHA,
        state: "delivered",
        deliveredAt: ISO,
      },
    ]);
  });

  test("options of files are its own, also where history has one of the same name", async () => {
    const files = async (...options: string[]): Promise<number> => {
      const { deliveries } = (await ferry(["history", "files", ...options, "--json"], at)).json() as { deliveries: [] };
      return deliveries.length;
    };
    expect(await files()).toBeGreaterThan(1);
    expect(await files("--status", "delivered")).toBe(1);
    expect(await files("--since", "2099-01-01")).toBe(0);
    expect(await files("--limit", "1")).toBe(1);
  });

  test.each([
    [["history", "show", "99"]],
    [["history", "log", "99"]],
    [["history", "log", "1", "--session", "7"]],
    [["history", "log", "1", "--task", "nope"]],
    [["job", "cancel", "99"]],
    [["job", "resolve", "1", "nope.csv", "--as", "delivered"]],
  ])("%j is no such thing, exit code 4", async (argv) => {
    expect((await ferry(argv, at)).code).toBe(4);
  });

  test("a run that has ended cannot be cancelled", async () => {
    expect((await ferry(["job", "cancel", "1"], at)).code).toBe(2);
  });

  test("nothing is held", async () => {
    expect((await ferry(["job", "held", "--json"], at)).json()).toEqual({ held: [] });
  });
});

test("a file's name with escape sequences reaches no terminal as it is", async () => {
  const folder = pushing({ "out/a\u001b[2Jb\u009b\u202e.csv": "x" });
  const hostile = { folder, env: environment() };
  const run = await ferry(["job", "run", "push"], hostile);
  const outputs = [
    run,
    await ferry(["history", "show", "1"], hostile),
    await ferry(["history", "files", "--json"], hostile),
    await ferry(["history", "log", "1"], hostile),
  ];
  const said = outputs.map(({ out, err }) => out + err).join("");
  expect(said.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/g)).toBe(null);
  expect(run.code).toBe(1);
});

test("the agent's commands say that there is none, and exit with 3", async () => {
  const status = await ferry(["agent", "status", "--json"], at);
  expect({ code: status.code, document: status.json() }).toEqual({ code: 3, document: { up: false } });
  expect([(await ferry(["agent", "stop"], at)).code, (await ferry(["agent", "reload"], at)).code]).toEqual([3, 3]);
});
