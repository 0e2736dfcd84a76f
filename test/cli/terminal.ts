import { Readable } from "node:stream";
import { systemClock } from "../../src/base/clock.js";
import type { Io } from "../../src/cli/io.js";
import { run } from "../../src/cli/run.js";

export interface Setting {
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** A terminal of so many columns; by default there is none. */
  readonly columns?: number;
  /** Aborting it is Ctrl-C. */
  readonly interrupt?: AbortController;
}

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** stdout as the one JSON document that --json promises. */
  json(): unknown;
}

/** Runs a command line in this process, with a terminal of the test's own. */
export async function ferry(argv: readonly string[], setting: Setting = {}): Promise<Ended> {
  const said = { out: "", err: "" };
  const screen = (name: keyof typeof said) => ({
    write(text: string): void {
      said[name] += text;
    },
    isTTY: setting.columns !== undefined,
    columns: setting.columns,
    closed: false,
  });
  const io: Io = {
    stdin: Readable.from(setting.stdin === undefined ? [] : [Buffer.from(setting.stdin)]),
    stdout: screen("out"),
    stderr: screen("err"),
    env: setting.env ?? {},
    folder: setting.folder ?? process.cwd(),
    clock: systemClock,
    interruption: () => (setting.interrupt ?? new AbortController()).signal,
    leaveSignals: () => {},
  };
  const code = await run(argv, io);
  return { code, ...said, json: () => JSON.parse(said.out) };
}
