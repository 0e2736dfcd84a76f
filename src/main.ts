#!/usr/bin/env node
import { systemClock } from "./base/clock.js";
import { EXIT, type Io, type Screen } from "./cli/io.js";
import { reportBug, run } from "./cli/run.js";

const io = processIo();
reportBugs(io);
ignoreSwitchedOffChecks(io);
const code = await run(process.argv.slice(2), io);
await Promise.all([flush(process.stdout), flush(process.stderr)]);
process.exit(code);

function processIo(): Io {
  const signals = obeySignals();
  return {
    stdin: process.stdin,
    stdout: screen(process.stdout),
    stderr: screen(process.stderr),
    env: process.env,
    folder: process.cwd(),
    clock: systemClock,
    interruption: signals.interruption,
    leaveSignals: signals.leave,
  };
}

/** A reader that went away (`| head`) is no failure: what is written after that goes nowhere. */
function screen(stream: NodeJS.WriteStream): Screen {
  let closed = false;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    closed = true;
  });
  return {
    write: (text) => void (closed || stream.write(text)),
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
    get closed() {
      return closed;
    },
  };
}

/** The first signal asks a command that listens to end, any other one ends the process. */
function obeySignals(): { interruption(): AbortSignal; leave(): void } {
  const controller = new AbortController();
  let listened = false;
  const end = (): void => {
    if (!listened || controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on("SIGINT", end);
  return {
    interruption() {
      if (!listened) process.on("SIGTERM", end).on("SIGHUP", end);
      listened = true;
      return controller.signal;
    },
    leave: () => void process.off("SIGINT", end).off("SIGTERM", end).off("SIGHUP", end),
  };
}

/**
 * A promise that fails with nobody waiting for it ends nothing: what was waited for has its own verdict. After an
 * exception out of nowhere nothing here can be relied on; the next start settles what was open, as after a crash.
 */
function reportBugs(io: Io): void {
  // The agent has a log, and listens, too.
  const report = (bug: unknown, event: string): void => {
    if (process.listenerCount(event) === 1) reportBug(bug, io);
  };
  process.on("unhandledRejection", (reason) => report(reason, "unhandledRejection"));
  process.on("uncaughtException", (error) => {
    report(error, "uncaughtException");
    process.exit(EXIT.failed);
  });
}

/** Node would accept any certificate. What a connection trusts is written in its definition, and nowhere else. */
function ignoreSwitchedOffChecks({ stderr, env }: Io): void {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === undefined) return;
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === "0") {
    stderr.write(
      "warning: NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored: certificates are checked as the connection says\n",
    );
  }
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}
