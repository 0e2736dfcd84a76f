import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts, type PortBlock, untilListening } from "./ports.js";

/** A real server on loopback that has answered "listening". */
export interface RunningServer {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** The served folder on disk. */
  readonly root: string;
  readonly user: string;
  readonly password: string;
  /** What the server has written so far: its output and its log files. */
  log(): string;
  /** Kills the server and all its children, and removes its folder. Safe to call twice. */
  stop(): Promise<void>;
}

export interface Workplace {
  /** Configuration, keys and logs; the user that logs in cannot see into it. */
  readonly folder: string;
  readonly root: string;
}

/** A temporary folder for a server, with a served folder that belongs to the user that logs in. */
export function workplace(owner: { readonly uid: number; readonly gid: number }): Workplace {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "ferry-server-"));
  chmodSync(folder, 0o755);
  const root = join(folder, "root");
  mkdirSync(root);
  chownSync(root, owner.uid, owner.gid);
  return { folder, root };
}

export interface Launch {
  readonly folder: string;
  readonly logFiles?: readonly string[];
  /** Writes the configuration for these ports and says what to run. */
  command(ports: PortBlock): readonly [program: string, ...args: string[]];
}

export interface Launched {
  readonly ports: PortBlock;
  log(): string;
  /** Ends the processes but keeps the folder. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server under `guard.mjs` and waits until it listens. Tries other ports when a stranger was quicker. */
export async function launch(plan: Launch, attempts = 3): Promise<Launched> {
  const ports = await freePorts();
  const started = await launchOn(plan, ports).catch((failure: unknown) => {
    rmSync(plan.folder, { recursive: true, force: true });
    throw failure;
  });
  if (started) return started;
  if (attempts > 1) return launch(plan, attempts - 1);
  throw new Error("the server did not start");
}

/** As `launch`, on given ports; undefined when they were taken, an error with the server's words when it ended otherwise. */
export async function launchOn(plan: Launch, ports: PortBlock): Promise<Launched | undefined> {
  const [command, ...args] = plan.command(ports);
  const guard = spawn(process.execPath, [fileURLToPath(new URL("guard.mjs", import.meta.url)), command, ...args], {
    cwd: plan.folder,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [guard.stdout, guard.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  // A guard that has ended makes the closing of its stdin an EPIPE.
  guard.stdin.on("error", () => {});
  const log = () =>
    [output, ...(plan.logFiles ?? []).filter(existsSync).map((file) => readFileSync(file, "utf8"))].join("\n");
  const ended = once(guard, "close");
  const kill = async () => {
    guard.stdin.end();
    await ended;
  };
  const stop = async () => {
    await kill();
    rmSync(plan.folder, { recursive: true, force: true });
  };

  const giveUp = AbortSignal.timeout(20_000);
  const patience = new AbortController();
  const outcome = await Promise.race([
    untilListening(ports.port, AbortSignal.any([giveUp, patience.signal])).then(() => "listening" as const),
    ended.then(() => "ended" as const),
  ]);
  patience.abort();
  if (outcome === "listening" && !giveUp.aborted) return { ports, log, kill, stop };
  await kill();
  if (/address (is )?already in use|in use/i.test(log())) return undefined;
  throw new Error(`${command} did not start:\n${log()}`);
}
