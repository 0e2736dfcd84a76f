import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { openHost } from "../../src/agent/host.js";
import { createPerformer } from "../../src/agent/perform.js";
import { dialAgent } from "../../src/agent/socket-client.js";
import { runAgent } from "../../src/agent.js";
import { AgentError } from "../../src/base/errors.js";
import { connect } from "../../src/storage/sqlite/connect.js";
import { workspacePaths } from "../../src/workspace/paths.js";
import { createFakeClock, type FakeClock } from "../support/fake-clock.js";
import type { TestFerry } from "../support/ferry.js";
import { scriptedFtp } from "../support/scripted-ftp.js";
import { deliveries, eventually, later, runs, workspace } from "./stage.js";

/** The agent in this process, on a clock of the test's own. */
let clock: FakeClock;

beforeEach(() => {
  clock = createFakeClock("2026-11-20T02:30:00.000Z");
});

/** A connection whose transfers wait at STOR until `open` is called, and two jobs: one that sends, one that waits. */
async function halfway(files: Readonly<Record<string, string>> = {}) {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const server = await scriptedFtp({
    folders: ["/in"],
    async STOR(_, session) {
      await opened;
      return session.usual();
    },
  });
  later(() => server.close());
  const connection = `protocol: ftp, encryption: { protocol: none }, address: 127.0.0.1, port: ${server.port}, username: anna, password: pear tree, directory: /in, timeout: 10m`;
  const ferry = workspace({
    "connections.yaml": `connections:\n  partner: { ${connection} }\n`,
    "jobs/send.yaml": "tasks: [{ upload: { connection: partner, from: out/* } }]\n",
    "jobs/wait.yaml": "tasks: [{ exec: { command: [sh, -c, 'until [ -e go ]; do sleep 0.05; done'] } }]\n",
    "out/a.csv": "a",
    ...files,
  });
  vi.stubEnv("XDG_CONFIG_HOME", join(ferry.folder, "../config"));
  later(() => vi.unstubAllEnvs());
  return { ferry, server, open };
}

function log(ferry: TestFerry): string {
  const folder = workspacePaths(ferry.folder).logs;
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("");
}

test("an agent that cannot listen ends its triggers, too", async () => {
  const { ferry } = await halfway({
    "jobs/often.yaml": "triggers: [{ cron: '* * * * *' }]\ntasks: [{ exec: { command: ['true'] } }]\n",
  });
  mkdirSync(workspacePaths(ferry.folder).socket, { recursive: true });
  await expect(runAgent(ferry.folder, { strict: false, clock })).rejects.toThrow();
  expect(clock.waiting()).toBe(0);
  await clock.advance(180_000);
  expect(await runs(ferry)).toEqual([]);
});

test("an agent that ends before its runs had says which of them will be continued, and which not", async () => {
  const { ferry, server, open } = await halfway();
  const exit = vi.spyOn(process, "exit").mockImplementation((() => undefined) as never);
  later(() => exit.mockRestore());
  const ended = runAgent(ferry.folder, { strict: false, clock });
  const agent = await eventually(() => dialAgent(workspacePaths(ferry.folder).socket));
  for (const job of ["send", "wait"]) await agent.ask("job.run", { job, vars: {} });
  await server.waitFor("STOR");
  await eventually(async () => (await runs(ferry)).every((run) => run.state === "running"));
  await agent.ask("agent.stop", {});
  await eventually(() => log(ferry).includes("the agent is ending"));
  await clock.advance(60_000);
  const told = await eventually(() => exit.mock.calls.length > 0 && log(ferry).match(/ended before run .*/g));
  ferry.write("go", "");
  open();
  await ended;
  expect([exit.mock.calls, told]).toEqual([
    [[0]],
    [
      "ended before run 1 had: it will be continued at the next start",
      "ended before run 2 had: it will not be continued, because what it was doing may not be done twice: see `ferry history show`",
    ],
  ]);
});

describe("while the store refuses, a run waits", () => {
  /** Run 1 has sent its file, and cannot say so, because another program holds the lock of the history. */
  async function refused() {
    const { ferry, server, open } = await halfway();
    const paths = workspacePaths(ferry.folder);
    const common = { workspace: ferry.folder, clock, as: "the agent", waitMs: 0, console: false, strict: false };
    const host = await openHost({ ...common, patient: true });
    later(() => host.close());
    const ask = createPerformer(host, undefined);
    await ask("job.run", { job: "send", vars: {} });
    await server.waitFor("STOR");
    const other = connect(paths.history);
    other.exec("BEGIN IMMEDIATE");
    open();
    await eventually(() => log(ferry).includes("the run cannot be recorded, and waits"));
    other.exec("COMMIT");
    other.close();
    return { ferry, host, ask };
  }

  const outcome = async (ferry: TestFerry) => ({
    runs: (await runs(ferry)).map(({ state, error }) => [state, error?.code]),
    deliveries: (await deliveries(ferry)).map((one) => [one.run, one.state]).toSorted(),
  });

  test("and is continued then, with nothing lost", async () => {
    const { ferry, host } = await refused();
    expect(await outcome(ferry)).toEqual({ runs: [["running", undefined]], deliveries: [[1, "sending"]] });
    await clock.advance(5_000);
    host.worker.wake();
    await host.worker.ended(2);
    expect(await outcome(ferry)).toEqual({
      runs: [
        ["interrupted", "FERRY_INTERRUPTED"],
        ["succeeded", undefined],
      ],
      deliveries: [
        [1, "failed"],
        [2, "delivered"],
      ],
    });
  });

  test("and is cancelled then, if somebody wished so meanwhile", async () => {
    const { ferry, host, ask } = await refused();
    expect(await ask("job.cancel", { run: 1 })).toEqual({ state: "cancelling" });
    await clock.advance(5_000);
    await host.worker.ended(1);
    expect(await outcome(ferry)).toEqual({ runs: [["cancelled", "FERRY_CANCELLED"]], deliveries: [[1, "failed"]] });
    await expect(ask("job.cancel", { run: 1 })).rejects.toThrow(AgentError);
  });
});
