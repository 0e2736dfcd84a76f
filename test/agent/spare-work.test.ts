import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { dialAgent } from "../../src/agent/socket-client.js";
import { runAgent } from "../../src/agent.js";
import { connect } from "../../src/storage/sqlite/connect.js";
import { workspacePaths } from "../../src/workspace/paths.js";
import { ferry } from "../cli/terminal.js";
import { createFakeClock, type FakeClock } from "../support/fake-clock.js";
import type { TestFerry } from "../support/ferry.js";
import { eventually, later, workspace } from "./stage.js";

let clock: FakeClock;

beforeEach(() => {
  clock = createFakeClock("2026-11-20T02:30:00.000Z");
});

const UPLOAD = "upload: { connection: share, from: '{{ tasks.pack.files }}', to: in/, after: { move: sent/ } }";
const PACK = "id: pack, compress: { from: extracts/*.csv }";

/** A job that packs a file and cannot send it, because the folder `in` is not there; run once. */
async function failed(tasks: readonly string[] = [PACK, UPLOAD]): Promise<TestFerry> {
  const made = workspace({
    "connections.yaml": "connections:\n  share: { protocol: local, directory: share }\n",
    "jobs/push.yaml": `tasks:\n${tasks.map((task) => `  - { ${task} }\n`).join("")}`,
    "extracts/ledger.csv": "a,b\n",
    "share/there.csv": "c,d\n",
  });
  vi.stubEnv("XDG_CONFIG_HOME", join(made.folder, "../config"));
  later(() => vi.unstubAllEnvs());
  expect(await push(made)).toBe(1);
  expect(work(made)).toEqual(["1"]);
  return made;
}

async function push({ folder }: TestFerry): Promise<number> {
  const env = { XDG_CONFIG_HOME: join(folder, "../config") };
  return (await ferry(["job", "run", "push"], { folder, env })).code;
}

function repair(made: TestFerry): void {
  mkdirSync(join(made.folder, "share/in"));
}

function work({ folder }: TestFerry): string[] {
  return readdirSync(workspacePaths(folder).work).toSorted();
}

/** What is in the work folder when an agent has come up and ended, and what it said about it. */
async function afterAgent(made: TestFerry, meanwhile = async () => {}) {
  const { socket, logs } = workspacePaths(made.folder);
  const ended = runAgent(made.folder, { strict: false, clock });
  const agent = await eventually(() => dialAgent(socket));
  await meanwhile();
  await agent.ask("agent.stop", {});
  await ended;
  const log = readdirSync(logs).map((name) => readFileSync(join(logs, name), "utf8"));
  return { work: work(made), told: log.join("").match(/removed .*/g) };
}

const removed = ({ folder }: TestFerry, run: number) =>
  `removed ${folder}/.ferry/work/${run}: what run ${run} made for itself is of no use any more`;

describe("what a failed run made for itself goes", () => {
  test("when the files that it was made of still stand", async () => {
    const made = await failed();
    expect(await afterAgent(made)).toEqual({ work: [], told: [removed(made, 1)] });
    expect(existsSync(join(made.folder, "extracts/ledger.csv"))).toBe(true);
  });

  test.each(["delete", "{ move: sent/ }"])(
    "when a later run brought them through the job (after: %s)",
    async (after) => {
      const made = await failed([PACK, UPLOAD.replace("{ move: sent/ }", after)]);
      repair(made);
      expect(await push(made)).toBe(0);
      expect(existsSync(join(made.folder, "extracts/ledger.csv"))).toBe(false);
      expect(await afterAgent(made)).toEqual({ work: [], told: [removed(made, 1)] });
    },
  );

  test("while the agent is up, within a day", async () => {
    const made = await failed();
    writeFileSync(join(made.folder, "extracts/ledger.csv"), "not the same\n");
    const seen: string[][] = [];
    const { told } = await afterAgent(made, async () => {
      await push(made);
      seen.push(work(made));
      await clock.advance(86_400_000);
      await eventually(() => !work(made).includes("2"));
      seen.push(work(made));
    });
    expect({ seen, told }).toEqual({ seen: [["1", "2"], ["1"]], told: [removed(made, 2)] });
  });
});

describe("what a failed run made for itself stays", () => {
  test("when what it was made of is another file by now", async () => {
    const made = await failed();
    writeFileSync(join(made.folder, "extracts/ledger.csv"), "not the same\n");
    expect(await afterAgent(made)).toEqual({ work: ["1"], told: null });
  });

  test("when it is the only copy, because the job deleted what it was made of", async () => {
    const made = await failed([PACK.replace("*.csv", "*.csv, after: delete"), UPLOAD]);
    expect(await afterAgent(made)).toEqual({ work: ["1"], told: null });
  });

  test("when it was fetched", async () => {
    const made = await failed(["download: { connection: share, from: there.csv, after: delete }", PACK, UPLOAD]);
    expect(await afterAgent(made)).toEqual({ work: ["1"], told: null });
    expect(existsSync(join(made.folder, ".ferry/work/1/download/there.csv"))).toBe(true);
  });

  test("when something lies there that no task made", async () => {
    const made = await failed();
    made.write(".ferry/work/1/pack/notes.txt", "kept by hand");
    expect(await afterAgent(made)).toEqual({ work: ["1"], told: null });
  });

  test("when it may have arrived, until a person has decided", async () => {
    const made = await failed();
    const paths = workspacePaths(made.folder);
    const history = connect(paths.history);
    history.exec("UPDATE delivery_rows SET state = 'held'");
    history.close();
    const before = await afterAgent(made);
    repair(made);
    const env = { XDG_CONFIG_HOME: join(made.folder, "../config") };
    const resolved = await ferry(["job", "resolve", "1", "ledger.csv.gz", "--as", "resend"], {
      folder: made.folder,
      env,
    });
    expect(resolved.code).toBe(0);
    expect(existsSync(join(made.folder, "sent/ledger.csv"))).toBe(true);
    expect([before.work, await afterAgent(made)]).toEqual([["1"], { work: [], told: [removed(made, 1)] }]);
  });
});
