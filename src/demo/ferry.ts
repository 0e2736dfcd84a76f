import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pc from "picocolors";

/** The real command line, as processes of its own. */
export interface Ferry {
  /** Aborted when the demo has to end. */
  readonly signal: AbortSignal;
  /** Shows the command and its output; rejects when it does not end with 0. */
  show(args: readonly string[], options?: { readonly input?: string }): Promise<void>;
  /** The document that the command prints with `--json`; rejects when it does not end with 0. */
  ask(args: readonly string[]): Promise<unknown>;
  /** Starts a process that outlives the call. */
  start(args: readonly string[], stdio: "pipe" | "show"): ChildProcess;
  /** Ends every process that was started and still runs, by force if need be. */
  endAll(): Promise<void>;
}

const program = fileURLToPath(new URL("../main.js", import.meta.url));
const PATIENCE_MS = 10_000;

export function createFerry(options: {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}): Ferry {
  const running = new Set<ChildProcess>();
  const start = (args: readonly string[], stdio: "pipe" | "show"): ChildProcess => {
    options.signal.throwIfAborted();
    const child = spawn(process.execPath, [program, ...args], {
      cwd: options.folder,
      env: options.env,
      stdio: stdio === "show" ? ["pipe", "inherit", "inherit"] : ["pipe", "pipe", "pipe"],
    });
    child.stdin?.on("error", () => {}); // it ended without reading: its exit code tells
    running.add(child);
    child.on("close", () => running.delete(child));
    return child;
  };
  options.signal.addEventListener("abort", () => {
    for (const child of running) child.kill("SIGTERM");
  });
  return {
    signal: options.signal,
    start,
    async show(args, { input } = {}) {
      const words = `ferry ${args.map(quoted).join(" ")}`;
      console.log(`\n${pc.cyan(`$ ${input === undefined ? words : `printf %s "$PASSWORD" | ${words}`}`)}`);
      const child = start(args, "show");
      child.stdin?.end(input ?? "");
      const code = await exitOf(child);
      if (code !== 0) throw new Error(`${words} ended with ${code}`);
    },
    async ask(args) {
      const child = start([...args, "--json"], "pipe");
      child.stdin?.end();
      const said = gather(child);
      const code = await exitOf(child);
      if (code !== 0) throw new Error(`ferry ${args.join(" ")} ended with ${code}\n${said()}`);
      return JSON.parse(said("stdout"));
    },
    async endAll() {
      await Promise.all([...running].map(endProcess));
    },
  };
}

/** `ferry agent` in the background, and up when this resolves. `ended` rejects when it does not end well and soon. */
export async function startAgent(ferry: Ferry): Promise<{ ended(): Promise<void> }> {
  console.log(`\n${pc.cyan("$ ferry agent &")}`);
  const agent = ferry.start(["agent"], "pipe");
  agent.stdin?.end();
  const said = gather(agent);
  const exit = exitOf(agent);
  const early = exit.then((code) => {
    throw new Error(`ferry agent ended with ${code}\n${said()}`);
  });
  early.catch(() => {}); // also when nobody waits for it any more
  await Promise.race([early, untilUp(ferry)]);
  return {
    async ended() {
      const code = await Promise.race([exit, sleep(PATIENCE_MS, "nothing: it goes on", { ref: false })]);
      if (code !== 0) throw new Error(`ferry agent ended with ${code}\n${said()}`);
    },
  };
}

async function untilUp(ferry: Ferry): Promise<void> {
  for (;;) {
    // Exit code 3 while it is not up.
    const status = (await ferry.ask(["agent", "status"]).catch(() => undefined)) as
      | { readonly watchers: readonly { readonly state: string }[] }
      | undefined;
    ferry.signal.throwIfAborted();
    if (status?.watchers.length && status.watchers.every((watcher) => watcher.state === "watching")) return;
    await sleep(200, undefined, { signal: ferry.signal });
  }
}

function gather(child: ChildProcess): (stream?: "stdout") => string {
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  return (stream) => (stream ? texts[stream] : texts.stdout + texts.stderr);
}

async function exitOf(child: ChildProcess): Promise<number | string> {
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return code ?? signal ?? 1;
}

async function endProcess(child: ChildProcess): Promise<void> {
  const ended = exitOf(child);
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  await ended;
  clearTimeout(force);
}

/** As a person would type it into a shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`;
}
