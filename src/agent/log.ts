import { closeSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import winston from "winston";
import Transport from "winston-transport";
import type { Clock } from "../base/clock.js";
import { visible } from "../base/names.js";
import type { Masker } from "../base/secret.js";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** The operator's log: to the console and to a file a day in `.ferry/logs`. */
export type Log = (level: LogLevel, message: string, about?: { readonly run?: number; readonly job?: string }) => void;

export interface LogOptions {
  readonly folder: string;
  readonly level: LogLevel;
  readonly format: "text" | "json";
  readonly keepMs: number;
  readonly console: boolean;
  readonly clock: Clock;
  readonly masker: Masker;
}

/** Every line is masked and escaped once, here: one event is one line, whatever a server or a file name holds. */
export function createLog(options: LogOptions): Log & { close(): void } {
  const line = winston.format.printf((info) => String(info.line));
  const file = new DailyFile(options.folder, options.keepMs, options.clock);
  const logger = winston.createLogger({
    level: options.level,
    format: line,
    transports: [
      file,
      ...(options.console
        ? [new winston.transports.Console({ stderrLevels: ["error", "warn", "info", "debug"] })]
        : []),
    ],
  });
  const log: Log = (level, message, about = {}) => {
    const at = options.clock.now().toISOString();
    const text = visible(options.masker.mask(message));
    const { run, job } = about;
    logger.log({
      level,
      message: text,
      line:
        options.format === "json"
          ? JSON.stringify({ at, level, run, job, message: text })
          : textLine(at, level, text, run, job),
    });
  };
  return Object.assign(log, { close: () => file.shut() });
}

function textLine(
  at: string,
  level: string,
  message: string,
  run: number | undefined,
  job: string | undefined,
): string {
  const about = run === undefined ? "" : `run ${run} ${job === undefined ? "" : `(${visible(job)}) `}`;
  return `${at} ${level.padEnd(5)} ${about}${message}`;
}

/** winston's own file transport loses lines when it rotates, so each line is written at once into the file of its day. */
class DailyFile extends Transport {
  readonly #folder: string;
  readonly #keepMs: number;
  readonly #clock: Clock;
  #open: { readonly day: string; readonly descriptor: number } | undefined;

  constructor(folder: string, keepMs: number, clock: Clock) {
    super();
    this.#folder = folder;
    this.#keepMs = keepMs;
    this.#clock = clock;
  }

  override log(info: { line?: unknown }, next: () => void): void {
    try {
      writeSync(this.#fileOfToday(), `${String(info.line)}\n`);
    } catch {
      // A full disk may not end the agent: the history says what matters, and the console has the line.
    }
    next();
  }

  shut(): void {
    if (this.#open) closeSync(this.#open.descriptor);
    this.#open = undefined;
  }

  #fileOfToday(): number {
    const day = this.#clock.now().toISOString().slice(0, 10);
    if (this.#open?.day !== day) {
      this.shut();
      this.#open = { day, descriptor: openSync(join(this.#folder, `ferry-${day}.log`), "a", 0o600) };
      this.#removeOld();
    }
    return this.#open.descriptor;
  }

  #removeOld(): void {
    const oldest = new Date(this.#clock.now().getTime() - this.#keepMs).toISOString().slice(0, 10);
    for (const name of readdirSync(this.#folder)) {
      const day = /^ferry-(\d{4}-\d{2}-\d{2})\.log$/.exec(name)?.[1];
      if (day !== undefined && day < oldest) rmSync(join(this.#folder, name), { force: true });
    }
  }
}
