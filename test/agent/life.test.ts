import { existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dialAgent } from "../../src/agent/socket-client.js";
import type { Ended, TestFerry } from "../support/ferry.js";
import { type FtpScript, scriptedFtp } from "../support/scripted-ftp.js";
import { requireServer } from "../support/servers/require-server.js";
import { deliveries, eventually, later, outbox, runs, status, WATCHING, workspace } from "./stage.js";

const IDLE = { "jobs/idle.yaml": "tasks: [{ exec: { command: ['true'] } }]\n" };

test("a second agent ends with 3 and names the first one's rule", async () => {
  const ferry = workspace(IDLE);
  await ferry.agent();
  const { code, stderr } = await ferry.run(["agent"]);
  expect({ code, line: stderr.split("\n")[0] }).toEqual({
    code: 3,
    line: "error[FERRY_WORKSPACE_HELD]: an agent works on this workspace already",
  });
});

test("a workspace may lie deeper than a socket's address reaches", async () => {
  const ferry = workspace({});
  const deep = join("deep".repeat(30), "workspace");
  ferry.write(join(deep, "jobs/idle.yaml"), IDLE["jobs/idle.yaml"]);
  ferry.write(join(deep, "ferry.yaml"), "");
  const to = (...args: string[]) => ferry.run([...args, "-w", join(ferry.folder, deep)]);
  // The first command finds no state at all.
  expect((await to("agent", "status")).code).toBe(3);
  expect((await to("job", "run", "idle")).code).toBe(0);
  const agent = to("agent");
  await eventually(async () => (await to("agent", "status")).code === 0);
  expect((await to("job", "run", "idle")).code).toBe(0);
  expect((await to("agent", "stop")).code).toBe(0);
  expect((await agent).code).toBe(0);
});

test("an operation that the agent does not know is refused, and the line stays", async () => {
  const ferry = workspace(IDLE);
  await ferry.agent();
  const line = await dialAgent(join(ferry.folder, ".ferry/agent.sock"));
  later(() => line?.close());
  await expect(line?.ask("job.fly", {})).rejects.toMatchObject({ code: "FERRY_AGENT_REFUSED" });
  expect(await line?.ask("agent.status", {})).toMatchObject({ up: true });
});

test("a command that changes something asks the agent that is up", async () => {
  const ferry = workspace(IDLE);
  const agent = await ferry.agent();
  const began = performance.now();
  const set = await ferry.run(["secret", "set", "bank"], { input: "pear tree\n" });
  const run = await ferry.json<{ run: { state: string } }>("job", "run", "idle");
  // Without the socket both would wait 10 s for the lock, and fail.
  expect({ code: set.code, state: run.run.state, waited: performance.now() - began > 20_000 }).toEqual({
    code: 0,
    state: "succeeded",
    waited: false,
  });
  await agent.end();
  expect((await ferry.run(["secret", "list"])).stdout).toContain("bank");
});

test("the log says how each run began and ended, with its id", async () => {
  const ferry = workspace({ ...IDLE, "jobs/bad.yaml": "tasks: [{ exec: { command: ['false'] } }]\n" });
  const agent = await ferry.agent();
  await ferry.run(["job", "run", "idle"]);
  await ferry.run(["job", "run", "bad"]);
  await agent.end();
  const lines = agent.output().match(/(info|error) +run .*/g);
  expect(lines).toEqual([
    "info  run 1 (idle) begins, started by manual",
    "info  run 1 (idle) succeeded",
    "info  run 2 (bad) begins, started by manual",
    "error run 2 (bad) failed: FERRY_EXEC_FAILED: false ended with code 1",
  ]);
});

test.skipIf(!requireServer("strace"))(
  "a command that is given while the agent starts waits until it can ask it",
  async () => {
    const ferry = workspace(IDLE);
    // It holds the lock for two seconds before its socket is there.
    const ended = ferry.run(["agent"], {
      under: ["strace", "-o", join(ferry.folder, "trace"), "-e", "inject=bind:delay_enter=2000000"],
    });
    await eventually(() => existsSync(join(ferry.folder, ".ferry/agent.lock.holder")));
    const { code, stderr } = await ferry.run(["job", "run", "idle"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    await ferry.run(["agent", "stop"]);
    expect((await ended).code).toBe(0);
  },
);

test("a command that follows a run ends with 3 when the agent dies", async () => {
  const ferry = workspace({ "jobs/wait.yaml": "tasks: [{ exec: { command: [sleep, '100'] } }]\n" });
  const agent = await ferry.agent();
  const following = ferry.run(["job", "run", "wait"]);
  await eventually(async () => (await runs(ferry)).some((run) => run.state === "running"));
  await agent.end("SIGKILL");
  const { code, stderr } = await following;
  expect({ code, line: stderr.split("\n")[0] }).toEqual({
    code: 3,
    line: "error[FERRY_AGENT_NOT_RUNNING]: the agent ended before run 1 had",
  });
});

test("a run that died while its job's file was made wrong is gone on with once the file is right", async () => {
  const gate = gateway();
  const { ferry, atStor } = await halfway(gate.opened);
  const first = await ferry.agent();
  ferry.write("outbox/a.csv", "a");
  await atStor;
  await first.end("SIGKILL");
  gate.open();
  ferry.write("jobs/outbox.yaml", `${WATCHING}nonsense: true\n`);
  const second = await ferry.agent();
  expect((await runs(ferry)).map((run) => run.state)).toEqual(["interrupted", "queued"]);
  ferry.write("jobs/outbox.yaml", WATCHING);
  expect((await ferry.run(["agent", "reload"])).code).toBe(0);
  await ferry.settled();
  await second.end();
  expect((await runs(ferry)).map((run) => run.state)).toEqual(["interrupted", "succeeded"]);
  expect((await deliveries(ferry)).map((one) => one.state).toSorted()).toEqual(["delivered", "failed"]);
});

test.each([
  ["SIGTERM", 0],
  ["SIGINT", 130],
  ["ferry agent stop", 0],
] as const)("%s lets a transfer end, and the agent ends with %i", async (how, code) => {
  const gate = gateway();
  const { ferry, atStor } = await halfway(gate.opened);
  const agent = await ferry.agent();
  ferry.write("outbox/a.csv", "a");
  await atStor;
  ferry.write("outbox/b.csv", "b");
  const stopping = how === "ferry agent stop" ? ferry.run(["agent", "stop"]) : undefined;
  const ended = stopping ? agentEnd(agent.process) : agent.end(how as NodeJS.Signals).then(({ code }) => code);
  await eventually(() => agent.output().includes("the agent is ending"));
  gate.open();
  expect(await ended).toBe(code);
  expect((await stopping)?.code ?? 0).toBe(0);
  expect((await runs(ferry)).filter((run) => run.state !== "queued").map((run) => run.state)).toEqual(["succeeded"]);
  expect((await deliveries(ferry)).filter((one) => one.state === "delivered")).toHaveLength(1);
  expect(existsSync(join(ferry.folder, ".ferry/agent.sock"))).toBe(false);
});

test.each([
  ["SIGTERM", 0],
  ["SIGINT", 130],
] as const)("a second %s ends the agent at once, and the run is continued at the next start", async (signal, code) => {
  const gate = gateway();
  const { ferry, atStor } = await halfway(gate.opened);
  const agent = await ferry.agent();
  ferry.write("outbox/a.csv", "a");
  await atStor;
  agent.process.kill(signal);
  await eventually(() => agent.output().includes("the agent is ending"));
  expect((await agent.end(signal)).code).toBe(code);
  gate.open();
  const second = await ferry.agent();
  await eventually(async () => (await deliveries(ferry)).some((one) => one.state === "delivered"));
  await ferry.settled();
  await second.end();
  expect((await runs(ferry)).map((run) => run.state)).toEqual(["interrupted", "succeeded"]);
});

test("what an agent that was killed leaves behind hinders nobody", async () => {
  const ferry = workspace(IDLE);
  const agent = await ferry.agent();
  await agent.end("SIGKILL");
  const left = ["agent.lock", "agent.sock"].filter((name) => existsSync(join(ferry.folder, ".ferry", name)));
  expect(left).toEqual(["agent.lock", "agent.sock"]);
  const asked = await ferry.run(["agent", "status", "--json"]);
  expect({ code: asked.code, told: JSON.parse(asked.stdout) }).toEqual({ code: 3, told: { up: false } });
  expect((await ferry.json<{ run: { state: string } }>("job", "run", "idle")).run.state).toBe("succeeded");
  const second = await ferry.agent();
  expect((await status(ferry)).pid).toBe(second.process.pid);
});

test("everything that it makes is the owner's alone, whatever the umask, and nothing listens on TCP", async () => {
  const ferry = workspace({
    ...IDLE,
    "jobs/pack.yaml": "tasks: [{ write: { to: made/a.txt, text: x } }, { compress: { from: made/a.txt } }]\n",
  });
  const ended = ferry.run(["agent"], { under: ["sh", "-c", 'umask 000; exec "$0" "$@"'] });
  await eventually(() => existsSync(join(ferry.folder, ".ferry/agent.sock")));
  await ferry.run(["secret", "set", "bank"], { input: "pear tree\n" });
  await ferry.run(["job", "run", "pack"]);
  const { pid } = await status(ferry);
  const open = everything(join(ferry.folder, ".ferry")).filter((path) => (lstatSync(path).mode & 0o077) !== 0);
  const listening = listeningSockets(pid);
  await ferry.run(["agent", "stop"]);
  await ended;
  expect(open).toEqual([]);
  expect(lstatSync(join(ferry.folder, ".ferry")).mode & 0o777).toBe(0o700);
  expect(listening).toEqual([]);
});

test("a source that is being put away is no new version", async () => {
  const gate = gateway();
  const packing = "tasks:\n  - id: pack\n    compress: {}\n";
  const sending = "  - upload: { connection: partner, from: '{{ tasks.pack.files }}', after: { move: sent/ } }\n";
  const job = WATCHING.replace(/tasks.*\n/, packing + sending);
  const { ferry, atStor } = await halfway(gate.opened, job);
  const agent = await ferry.agent();
  const path = ferry.write("outbox/a.csv", "a");
  await atStor;
  // As it is between the link and the removal, for long after a crash.
  mkdirSync(join(ferry.folder, "sent"));
  linkSync(path, join(ferry.folder, "sent/a.csv"));
  for (let look = 0; look < 2; look++) {
    const before = (await status(ferry)).watchers[0]?.lastSweep;
    await eventually(async () => (await status(ferry)).watchers[0]?.lastSweep !== before);
  }
  gate.open();
  await ferry.settled();
  await agent.end();
  expect((await runs(ferry)).map((run) => run.state)).toEqual(["succeeded"]);
  expect(existsSync(path)).toBe(false);
});

/** Shut until it is opened. */
function gateway(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** A job that is held up in the middle of a transfer until `gate`. */
async function halfway(gate: Promise<void>, job = WATCHING): Promise<{ ferry: TestFerry; atStor: Promise<unknown> }> {
  const script: FtpScript = {
    folders: ["/in"],
    async STOR(_, session) {
      await gate;
      return session.usual();
    },
  };
  const server = await scriptedFtp(script);
  later(() => server.close());
  const { port } = server;
  const connection = `protocol: ftp, encryption: { protocol: none }, address: 127.0.0.1, port: ${port}, username: anna, password: pear tree, directory: /in`;
  const ferry = outbox(
    workspace({ "connections.yaml": `connections:\n  partner: { ${connection} }\n`, "jobs/outbox.yaml": job }),
  );
  return { ferry, atStor: server.waitFor("STOR") };
}

function agentEnd(agent: NodeJS.EventEmitter): Promise<Ended["code"]> {
  return new Promise((resolve) => agent.once("close", resolve));
}

function everything(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
}

/** The lines of /proc/net/tcp for sockets of `pid` that listen. */
function listeningSockets(pid: number): string[] {
  const own = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
  expect(own.length).toBeGreaterThan(0);
  const rows = ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8").split("\n").slice(1),
  );
  return rows.filter((row) => {
    const fields = row.trim().split(/\s+/);
    return fields[3] === "0A" && own.includes(fields[9] ?? "");
  });
}
