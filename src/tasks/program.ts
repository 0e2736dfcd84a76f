import { execa } from "execa";
import { type Clock, sleep } from "../base/clock.js";
import { systemCode } from "../base/errors.js";

export interface Program {
  /** The program and its arguments; no shell sees them. */
  readonly command: readonly [string, ...string[]];
  readonly folder: string;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly input: string | undefined;
  /** Bytes of its standard output that are kept. */
  readonly outputLimit: number;
}

export interface Ended {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** The system's error, when it did not even start. */
  readonly failure: unknown;
  readonly output: string;
  readonly outputCut: boolean;
  /** The last of what it wrote to standard error. */
  readonly complaint: string;
}

const COMPLAINT_BYTES = 4096;
/** Between asking and killing. */
const GRACE_MS = 5_000;
/** A child that it left running in the background may hold its output open for ever. */
const DRAIN_MS = 1_000;
const POLL_MS = 50;

/**
 * Runs a program to its end. When `signal` aborts, the whole process group is asked to end, and killed five seconds later;
 * the promise then rejects with the signal's reason. A program that leaves the group (`setsid`) is out of reach.
 */
export async function runProgram(program: Program, clock: Clock, signal: AbortSignal): Promise<Ended> {
  signal.throwIfAborted();
  const output = collect(program.outputLimit, "first");
  const complaint = collect(COMPLAINT_BYTES, "last");
  const [file, ...args] = program.command;
  const child = execa(file, args, {
    cwd: program.folder,
    env: { ...program.env },
    extendEnv: false,
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
    stdin: program.input === undefined ? "ignore" : "pipe",
  });
  child.stdout.on("data", output.add);
  child.stderr.on("data", complaint.add);
  // A program that does not read its input is no error.
  child.stdin?.on("error", () => {});
  child.stdin?.end(program.input);
  const stop = endGroupOn(signal, child.pid, clock);
  const exited = new Promise<{ exitCode?: number | undefined; signal?: string | undefined }>((resolve) => {
    child.once("exit", (code, by) => resolve({ exitCode: code ?? undefined, signal: by ?? undefined }));
  });
  const drained = exited.then(async (how) => {
    await sleep(clock, DRAIN_MS);
    return how;
  });
  const ended = await Promise.race([child, drained]);
  child.stdout.destroy();
  child.stderr.destroy();
  await stop();
  signal.throwIfAborted();
  const failure =
    "cause" in ended && ended.exitCode === undefined && ended.signal === undefined ? ended.cause : undefined;
  return {
    code: ended.exitCode,
    signal: ended.signal,
    failure,
    output: output.text(),
    outputCut: output.cut(),
    complaint: complaint.text(),
  };
}

/** Ends the group of `pid` when `signal` aborts. What it gives back waits until that is done, or stops listening. */
function endGroupOn(signal: AbortSignal, pid: number | undefined, clock: Clock): () => Promise<void> {
  let ending: Promise<void> | undefined;
  const end = (): void => {
    if (pid !== undefined) ending ??= endGroup(pid, clock);
  };
  signal.addEventListener("abort", end, { once: true });
  return async () => {
    signal.removeEventListener("abort", end);
    await ending;
  };
}

async function endGroup(pid: number, clock: Clock): Promise<void> {
  tell(pid, "SIGTERM");
  const deadline = clock.monotonic() + GRACE_MS;
  while (clock.monotonic() < deadline) {
    if (!tell(pid, 0)) return;
    await sleep(clock, POLL_MS);
  }
  tell(pid, "SIGKILL");
}

/** False when the group has no member left. */
function tell(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}

interface Collector {
  add(chunk: Buffer): void;
  text(): string;
  cut(): boolean;
}

/** Keeps the first or the last `limit` bytes, and forgets the rest as it comes. */
function collect(limit: number, which: "first" | "last"): Collector {
  let kept = Buffer.alloc(0);
  let chunks: Buffer[] = [];
  let size = 0;
  let total = 0;
  const fold = (): void => {
    kept = Buffer.concat([kept, ...chunks]);
    if (which === "last") kept = kept.subarray(-limit);
    size = kept.length;
    chunks = [];
  };
  return {
    add(chunk) {
      total += chunk.length;
      const part = which === "first" ? chunk.subarray(0, Math.max(0, limit - size)) : chunk;
      if (part.length === 0) return;
      chunks.push(part);
      size += part.length;
      if (which === "last" && size > 2 * limit) fold();
    },
    text() {
      fold();
      // A character that the cut divides is left out.
      return new TextDecoder().decode(kept, { stream: true }).replace(/^\ufffd+/, "");
    },
    cut: () => total > limit,
  };
}
