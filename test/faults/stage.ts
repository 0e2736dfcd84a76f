import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, vi } from "vitest";
import { type Ended, type TestFerry, testFerry } from "../support/ferry.js";

// Every command is a process of its own: on a busy machine a test of a few of them takes its time.
vi.setConfig({ testTimeout: 120_000 });

/** What these tests read of `ferry history show RUN --json`. */
export interface ShownRun {
  readonly run: { readonly id: number; readonly state: string; readonly error: ShownError | null };
  readonly tasks: readonly {
    readonly id: string;
    readonly state: string;
    readonly attempts: number;
    readonly error: ShownError | null;
  }[];
  readonly transfers: readonly {
    readonly task: string;
    readonly state: string;
    readonly localPath: string;
    readonly remotePath: string;
    readonly bytes: number | null;
    readonly reply: string | null;
    readonly error: ShownError | null;
  }[];
}

export interface ShownError {
  readonly code: string;
  readonly message: string;
  readonly cause: string | null;
  readonly hint: string | null;
}

const undo: (() => unknown)[] = [];

/** To be done after the test, last first, however it ends. */
export function later(work: () => unknown): void {
  undo.push(work);
}

afterEach(async () => {
  for (const work of undo.splice(0).toReversed()) await work();
});

/** A server of the test's own. */
export async function serving<Server extends { close(): Promise<void> } | { stop(): Promise<void> }>(
  starting: Promise<Server>,
): Promise<Server> {
  const server = await starting;
  later(() => ("stop" in server ? server.stop() : server.close()));
  return server;
}

/** A workspace with one connection, `partner`, as a YAML map without its braces, and one job, `push`, or what `files` says. */
export function workspace(connection: string, job: string, files: Readonly<Record<string, string>> = {}): TestFerry {
  const ferry = testFerry({
    "connections.yaml": `connections:\n  partner: { ${connection} }\n`,
    "jobs/push.yaml": job,
    ...files,
  });
  later(() => ferry.remove());
  return ferry;
}

/** What the agent or a command left in the history of one run. */
export function shown(ferry: TestFerry, run: number): Promise<ShownRun> {
  return ferry.json<ShownRun>("history", "show", String(run));
}

/** `ferry job run NAME`, and the history's page of the newest run. */
export async function runJob(ferry: TestFerry, job = "push"): Promise<Ended & ShownRun> {
  const ended = await ferry.run(["job", "run", job, "--json"]);
  if (ended.stdout === "") throw new Error(`nothing on stdout: ${ended.stderr}`);
  return { ...ended, ...(JSON.parse(ended.stdout) as ShownRun) };
}

/** The outcome in one comparable value: the run, its transfers, and with which codes. */
export function outcome({ run, transfers }: ShownRun): object {
  return {
    run: [run.state, run.error?.code ?? null],
    transfers: transfers.map(({ state, error }) => [state, error?.code ?? null]),
  };
}

/** The session's lines as they were recorded: `> USER anna`, `< 331 …`, `* connected …`. */
export async function transcript(ferry: TestFerry, run: number): Promise<string[]> {
  const { lines } = await ferry.json<{ lines: { direction: "sent" | "received" | "note"; text: string }[] }>(
    "history",
    "log",
    String(run),
  );
  return lines.map(({ direction, text }) => `${{ sent: ">", received: "<", note: "*" }[direction]} ${text}`);
}

/** Every file below `folder`, dotted ones too, sorted. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

export function contentOf(folder: string, name: string): Buffer {
  return readFileSync(join(folder, name));
}

/** How often `pattern` (global) is found. */
export function times(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}
