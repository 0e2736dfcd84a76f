import type { Readable } from "node:stream";
import type { Clock } from "../base/clock.js";

/** Everything outside that a command touches; `main.ts` hands in the process's own, tests hand in theirs. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(on: boolean): unknown };
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that the command was called in. */
  readonly folder: string;
  readonly clock: Clock;
  /** Aborted when a person (Ctrl-C) or the system wants the command to end. Whoever asks for it promises to end soon then. */
  interruption(): AbortSignal;
  /** The command obeys the signals of the system itself (the agent). */
  leaveSignals(): void;
}

export interface Screen {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Undefined where there is no terminal: nothing is shortened then. */
  readonly columns: number | undefined;
  /** Nobody reads any more (`| head`). */
  readonly closed: boolean;
}

export const EXIT = { done: 0, failed: 1, wrong: 2, noAgent: 3, notFound: 4, interrupted: 130 } as const;
