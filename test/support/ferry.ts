import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { isFinal } from "../../src/runs/run.js";
import { openHistory } from "../../src/storage/sqlite/history.js";

/** The built program; `npm test` builds it first. FERRY_TEST_MAIN names one that was built elsewhere. */
const MAIN = process.env.FERRY_TEST_MAIN ?? resolve(import.meta.dirname, "../../dist/main.js");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningAgent {
  readonly process: ChildProcess;
  /** Everything that it wrote to the console. */
  output(): string;
  /** Sends the signal, and resolves when it has ended. */
  end(signal?: NodeJS.Signals): Promise<Ended>;
}

/** A workspace of its own in a temporary folder, with its own vault key and home, used through the real program. */
export interface TestFerry {
  readonly folder: string;
  write(file: string, text: string | Buffer): string;
  run(
    args: readonly string[],
    options?: { readonly input?: string; readonly under?: readonly string[] },
  ): Promise<Ended>;
  json<T>(...args: readonly string[]): Promise<T>;
  /** Starts the agent, and resolves when it is up. */
  agent(): Promise<RunningAgent>;
  /** Resolves when no run is waiting or running and `until` holds, if given; looks ten times a second. */
  settled(until?: () => boolean): Promise<void>;
  remove(): void;
}

export function testFerry(files: Readonly<Record<string, string>>): TestFerry {
  const home = mkdtempSync(join(tmpdir(), "ferry-test-"));
  const folder = join(home, "workspace");
  const env = {
    ...process.env,
    HOME: home,
    XDG_CONFIG_HOME: join(home, "config"),
    NO_COLOR: "1",
    FERRY_WORKSPACE: folder,
  };
  const agents = new Set<ChildProcess>();
  const write = (file: string, text: string | Buffer): string => {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  };
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) write(file, text);

  const run: TestFerry["run"] = async (args, { input, under = [] } = {}) => {
    const [program = "", ...rest] = [...under, process.execPath, MAIN, ...args];
    const child = spawn(program, rest, { cwd: folder, env });
    child.stdin.end(input ?? "");
    return ending(child);
  };
  return {
    folder,
    write,
    run,
    async json(...args) {
      const { stdout, stderr } = await run([...args, "--json"]);
      if (stdout === "") throw new Error(`ferry ${args.join(" ")} printed nothing; it said: ${stderr}`);
      return JSON.parse(stdout);
    },
    async agent() {
      const child = spawn(process.execPath, [MAIN, "agent"], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
      agents.add(child);
      let output = "";
      const ended = ending(child);
      await new Promise<void>((up, failed) => {
        const look = (text: Buffer): void => {
          output += text;
          if (output.includes("the agent is up")) up();
        };
        child.stdout?.on("data", look);
        child.stderr?.on("data", look);
        child.once("exit", (code) => failed(new Error(`the agent ended with ${code}: ${output}`)));
      });
      return {
        process: child,
        output: () => output,
        end(signal = "SIGTERM") {
          child.kill(signal);
          return ended;
        },
      };
    },
    async settled(until = () => true) {
      for (;;) {
        const history = openHistory(join(folder, ".ferry", "history.db"));
        const runs = await history.runs({ limit: 10_000 });
        history.close();
        if (runs.every((one) => isFinal(one.state)) && until()) return;
        await new Promise((wait) => setTimeout(wait, 100));
      }
    },
    remove() {
      for (const child of agents) child.kill("SIGKILL");
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function ending(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (text: Buffer) => {
    stdout += text;
  });
  child.stderr?.on("data", (text: Buffer) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  if (stderr.includes("FERRY_BUG")) throw new Error(`a bug showed: ${stderr}`);
  return { code, stdout, stderr };
}
