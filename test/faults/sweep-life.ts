import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { dialAgent } from "../../src/agent/socket-client.js";
import type { RunHistory } from "../../src/runs/history.js";
import { isFinal } from "../../src/runs/run.js";
import { openHistory } from "../../src/storage/sqlite/history.js";
import { type RunningAgent, type TestFerry, testFerry } from "../support/ferry.js";
import { scriptedFtp } from "../support/scripted-ftp.js";
import { CHANGES, type Point, type Thread } from "./sweep-points.js";

const CONTENT = "account;amount\n4711;12.50\n".repeat(1000);
const FINAL = "/in/a.csv.gz";
/** Long enough for a machine that is busy; then something waits that should not. */
const PATIENCE_MS = 20_000;

/** A partner's server and a workspace whose job packs a file, sends it there, and puts it away. */
export interface Stage {
  readonly ferry: TestFerry;
  /** What stood under the final name, each time that something was put there. */
  readonly published: readonly string[];
  readonly left: () => readonly string[];
  readonly changes: () => number;
  drop(): void;
  close(): Promise<void>;
}

export async function openStage(takenAtOnce: boolean): Promise<Stage> {
  const published: string[] = [];
  const server = await scriptedFtp({
    folders: ["/in"],
    async RNTO(argument, session) {
      const reply = await session.usual();
      const path = session.path(argument);
      const content = session.tree.files.get(path);
      if (path === FINAL && content) published.push(unpacked(content));
      if (takenAtOnce) session.tree.remove(path);
      return reply;
    },
  });
  const { port } = server;
  const ferry = testFerry({
    "connections.yaml": `connections:\n  partner: { protocol: ftp, encryption: { protocol: none }, address: 127.0.0.1, port: ${port}, username: anna, password: pear tree, directory: /in, timeout: 5s }\n`,
    "jobs/outbox.yaml":
      "triggers: [{ watch: { path: outbox, stable: 0s, batch: { window: 0s } } }]\n" +
      "retry: { attempts: 2, delay: 100ms }\n" +
      "tasks:\n  - id: pack\n    compress: {}\n" +
      "  - upload: { connection: partner, from: '{{ tasks.pack.files }}', after: { move: sent/ } }\n",
  });
  ferry.write("outbox/.keep", "");
  return {
    ...{ ferry, published },
    left: () => [...server.files].map(([path, content]) => `${path} ${unpacked(content)}`),
    changes: () => server.events.filter((event) => event.path === FINAL && event.kind === "changed").length,
    drop: () => void ferry.write("outbox/a.csv", CONTENT),
    async close() {
      ferry.remove();
      await server.close();
    },
  };
}

function unpacked(content: Buffer): string {
  try {
    return gunzipSync(content).toString() === CONTENT ? "whole" : "another content";
  } catch {
    return `damaged, ${content.length} bytes`;
  }
}

/**
 * One life of the agent under strace, which sees one of its threads: killed at `point`, else ended when the job is done.
 * The thread for files exists when the agent is up, and there is one of them: see UV_THREADPOOL_SIZE in the test.
 */
export async function live(stage: Stage, thread: Thread, trace: string, point?: Point): Promise<"killed" | "ended"> {
  const syscalls = point ? [point.syscall] : ["openat", ...CHANGES];
  const inject = point ? ["-e", `inject=${point.syscall}:signal=KILL:when=${point.number}`] : [];
  const options = ["-o", trace, "-y", "-s", "200", "-e", `trace=${syscalls.join(",")}`, ...inject];
  if (thread === "main") {
    stage.drop();
    const { folder } = stage.ferry;
    // strace dies as its tracee does.
    const { code } = await ending(stage, stage.ferry.run(["agent"], { under: ["strace", ...options] }), () =>
      stop(folder),
    );
    return code === null ? "killed" : "ended";
  }
  const agent = await stage.ferry.agent();
  const tracer = await attach(agent, options);
  stage.drop();
  await ending(stage, once(agent.process, "close"), () => stop(stage.ferry.folder));
  if (tracer.exitCode === null && tracer.signalCode === null) await once(tracer, "close");
  return agent.process.signalCode === null ? "ended" : "killed";
}

async function attach({ process: { pid } }: RunningAgent, options: readonly string[]): Promise<ChildProcess> {
  const youngest = Math.max(...readdirSync(`/proc/${pid}/task`).map(Number));
  const tracer = spawn("strace", ["-p", String(youngest), ...options], { stdio: ["ignore", "ignore", "pipe"] });
  for await (const text of tracer.stderr.iterator({ destroyOnReturn: false })) {
    if (String(text).includes("attached")) break;
  }
  tracer.stderr.resume();
  return tracer;
}

async function stop(folder: string): Promise<void> {
  const client = await dialAgent(join(folder, ".ferry", "agent.sock")).catch(() => undefined);
  // The agent may be killed while it ends.
  await client?.ask("agent.stop", {}).catch(() => undefined);
  client?.close();
}

async function ending<End>(stage: Stage, ended: Promise<End>, whenDone: () => Promise<void>): Promise<End> {
  let over = false;
  const end = ended.finally(() => {
    over = true;
  });
  let asked = false;
  while (!over) {
    if (!asked && isSettled(await look(stage))) {
      asked = true;
      await whenDone();
    }
    await Promise.race([end, new Promise((wait) => setTimeout(wait, 50))]);
  }
  return end;
}

interface Seen {
  readonly runs: readonly string[];
  readonly deliveries: readonly string[];
}

function isSettled({ runs, deliveries }: Seen): boolean {
  const over = deliveries.some((state) => state === "delivered" || state === "held");
  return over && runs.every((state) => isFinal(state as never));
}

async function look({ ferry }: Stage): Promise<Seen> {
  const file = join(ferry.folder, ".ferry", "history.db");
  if (!existsSync(file)) return { runs: [], deliveries: [] };
  let history: RunHistory | undefined;
  try {
    history = openHistory(file);
    const runs = await history.runs({ limit: 100 });
    const deliveries = await history.deliveries({ limit: 100 });
    return {
      runs: runs.map((run) => run.state).toSorted(),
      deliveries: deliveries.map((one) => one.state).filter((state) => state !== "failed"),
    };
  } finally {
    history?.close();
  }
}

/** Where the source was when the process died: G4 says that it is never gone. */
export function sourceIn({ ferry }: Stage): readonly string[] {
  const whole = (file: string): boolean => readFileSync(join(ferry.folder, file), "utf8") === CONTENT;
  const files = ["outbox", "sent"].flatMap((folder) => {
    const path = join(ferry.folder, folder);
    return existsSync(path) ? readdirSync(path).map((name) => `${folder}/${name}`) : [];
  });
  return files.filter((file) => file !== "outbox/.keep" && whole(file)).toSorted();
}

/** Starts the agent again, lets it come to an end of what it finds, and ends it. */
export async function recover(stage: Stage): Promise<string | undefined> {
  try {
    const agent = await stage.ferry.agent();
    const until = performance.now() + PATIENCE_MS;
    while (!isSettled(await look(stage))) {
      if (performance.now() > until) {
        await agent.end("SIGKILL");
        return `the work was not ended within ${PATIENCE_MS / 1000} s: ${JSON.stringify(await look(stage))}, ${agent.output()}`;
      }
      await new Promise((wait) => setTimeout(wait, 50));
    }
    const { code } = await agent.end();
    return code === 0 ? undefined : `the agent ended with ${code}: ${agent.output()}`;
  } catch (error) {
    return String(error);
  }
}

/** What is there when all is over, to be compared with what should be. */
export async function outcome(stage: Stage): Promise<Record<string, unknown>> {
  const { runs, deliveries } = await look(stage);
  const work = readdirSync(join(stage.ferry.folder, ".ferry", "work"));
  return {
    work,
    published: stage.published,
    left: stage.left(),
    changes: stage.changes(),
    runs,
    deliveries,
    source: sourceIn(stage),
  };
}
