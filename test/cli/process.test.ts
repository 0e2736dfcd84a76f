import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { environment, pushing, workspace } from "./workspace.js";

const main = join(import.meta.dirname, "../../dist/main.js");
const children = new Set<ChildProcess>();

beforeAll(() => {
  if (!existsSync(main)) throw new Error("dist/main.js is missing: npm run build");
  return () => {
    for (const child of children) child.kill("SIGKILL");
  };
});

interface Child {
  readonly process: ChildProcess;
  readonly said: { out: string; err: string };
  /** The exit code, or the signal that it died of. */
  readonly ended: Promise<number | string | null>;
}

function ferry(argv: readonly string[], env: Record<string, string | undefined> = {}): Child {
  const child = spawn(process.execPath, [main, ...argv], { env: { PATH: process.env.PATH, ...environment(), ...env } });
  const said = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    said.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    said.err += chunk;
  });
  child.stdin.end();
  children.add(child);
  child.on("close", () => children.delete(child));
  return { process: child, said, ended: once(child, "close").then(([code, signal]) => code ?? signal) };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("did not happen within 15 s");
}

/** A server that takes connections and says nothing. */
async function silentServer(): Promise<{ port: number; connected: Promise<unknown>; close(): void }> {
  const server = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
  await once(server, "listening");
  const connected = once(server, "connection");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    connected,
    close: () => void server.close(),
  };
}

const asking = (port: number): string =>
  workspace({
    "connections.yaml": `connections:\n  slow: { address: 127.0.0.1, port: ${port}, username: u, password: pear tree, timeout: 60s }\n`,
    "jobs/slow.yaml": "tasks: [{ upload: { connection: slow, from: ferry.yaml } }]\n",
    "ferry.yaml": "concurrency: 2\n",
  });

test("version and exit codes come out of the process", async () => {
  const version = ferry(["--version"]);
  expect(await version.ended).toBe(0);
  expect(version.said.out).toMatch(/^\d+\.\d+\.\d+\n$/);
  const usage = ferry(["--nonsense", "--json"]);
  expect({ code: await usage.ended, error: JSON.parse(usage.said.out).error.code }).toEqual({
    code: 2,
    error: "FERRY_USAGE",
  });
});

test("a reader that goes away is no failure and leaves no stack", async () => {
  const { process: child, said, ended } = ferry(["schema"]);
  child.stdout?.destroy();
  expect({ code: await ended, err: said.err }).toEqual({ code: 0, err: "" });
});

test("NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored, and said", async () => {
  const { said, ended } = ferry(["--version"], { NODE_TLS_REJECT_UNAUTHORIZED: "0" });
  await ended;
  expect(said.err).toMatch(/^warning: NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored/m);
});

test("Ctrl-C ends a command with 130", async () => {
  const server = await silentServer();
  const { process: child, ended } = ferry(["connection", "test", "slow", "-w", asking(server.port)]);
  await server.connected;
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  server.close();
});

test("Ctrl-C cancels the run that is waited for, prints it, and ends with 130", async () => {
  const server = await silentServer();
  const folder = asking(server.port);
  const { process: child, said, ended } = ferry(["job", "run", "slow", "--json", "--verbose", "-w", folder]);
  await until(() => said.err.includes("connected to"));
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  expect(JSON.parse(said.out).run).toMatchObject({ id: 1, state: "cancelled" });
  server.close();
});

test("the agent comes up, answers, runs what it is asked, reloads, and stops", async () => {
  const folder = pushing({ "out/a.csv": "a" });
  const agent = ferry(["agent", "-w", folder]);
  await until(() => existsSync(join(folder, ".ferry/agent.sock")));
  const ask = async (...argv: string[]) => {
    const child = ferry([...argv, "-w", folder, "--json"]);
    const code = await child.ended;
    return { code, document: JSON.parse(child.said.out) };
  };
  expect(await ask("agent", "status")).toMatchObject({
    code: 0,
    document: { up: true, pid: agent.process.pid, jobs: 1, off: [], changed: [] },
  });
  expect(await ask("job", "run", "push")).toMatchObject({ code: 0, document: { run: { id: 1, state: "succeeded" } } });
  expect(await ask("job", "run", "push", "--detach")).toMatchObject({ code: 0, document: { run: { id: 2 } } });
  writeFileSync(join(folder, "jobs/push.yaml"), "tasks: [{ uplaod: {} }]\n");
  expect(await ask("agent", "reload")).toMatchObject({
    code: 2,
    document: { ok: false, off: [{ file: "jobs/push.yaml", job: "push" }] },
  });
  expect(await ask("agent", "stop")).toMatchObject({ code: 0, document: { stopped: true } });
  expect(await agent.ended).toBe(0);
  expect((await ask("agent", "status")).code).toBe(3);
});

test("log --follow goes on until the run ends", async () => {
  const server = await silentServer();
  const folder = asking(server.port);
  const running = ferry(["job", "run", "slow", "-w", folder]);
  await server.connected;
  const following = ferry(["history", "log", "1", "--follow", "--json", "-w", folder]);
  await until(() => following.said.out.includes("connected to"));
  running.process.kill("SIGINT");
  expect([await running.ended, await following.ended]).toEqual([130, 0]);
  const lines = following.said.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines[0]).toMatchObject({ session: 1, direction: "note" });
  server.close();
});

/** As soon as somebody listens for `event`, it happens. */
const afterwards = (event: string, what: string): string =>
  `--import data:text/javascript,${encodeURIComponent(
    `process.on("newListener", (name) => { if (name === "${event}") queueMicrotask(() => { ${what} }); });`,
  )}`;

test("a promise that fails with nobody waiting for it is told, and ends nothing", async () => {
  const NODE_OPTIONS = afterwards("unhandledRejection", `Promise.reject(new Error("nobody listens"));`);
  const told = ferry(["validate", "--json", "--workspace", workspace({ "connections.yaml": "" })], { NODE_OPTIONS });
  expect(await told.ended).toBe(0);
  expect(JSON.parse(told.said.out)).toMatchObject({ ok: true });
  expect(told.said.err).toMatch(
    /^error\[FERRY_BUG\]: unexpected failure: nobody listens\n {2}cause: Error: nobody listens\n/,
  );
});

test("in an agent it is in the log, too, and the agent goes on", async () => {
  // The second to listen is the agent.
  const what = `if (process.listenerCount("unhandledRejection") === 2) Promise.reject(new Error("nobody listens"));`;
  const folder = pushing({});
  const agent = ferry(["agent", "-w", folder], { NODE_OPTIONS: afterwards("unhandledRejection", what) });
  await until(() => agent.said.err.includes("FERRY_BUG") && agent.said.err.includes("the agent is up"));
  const status = ferry(["agent", "status", "-w", folder]);
  expect(await status.ended).toBe(0);
  const [log = ""] = readdirSync(join(folder, ".ferry/logs"));
  expect(readFileSync(join(folder, ".ferry/logs", log), "utf8")).toContain(
    "error FERRY_BUG: unexpected failure: nobody listens: Error: nobody listens",
  );
  agent.process.kill("SIGTERM");
  expect(await agent.ended).toBe(0);
});

test("an exception out of nowhere ends the process with 1, with a code and a hint", async () => {
  const NODE_OPTIONS = afterwards("uncaughtException", `throw new Error("out of nowhere");`);
  const told = ferry(["--version"], { NODE_OPTIONS });
  expect(await told.ended).toBe(1);
  expect(told.said.err).toMatch(
    /^error\[FERRY_BUG\]: unexpected failure: out of nowhere\n[\s\S]*\n {2}hint: report it with the cause shown here\n$/,
  );
});
