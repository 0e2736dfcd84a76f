import type { Control } from "../../agent/control.js";
import { sleep } from "../../base/clock.js";
import { AgentError, asAgentError } from "../../base/errors.js";
import type { ErrorFields, RunHistory } from "../../runs/history.js";
import type { CommandContext } from "../command.js";
import { writeDuration } from "../figures.js";
import { transcriptLine } from "../history/log.js";
import { type RunDocument, readRun, runPage } from "../history/page.js";
import { EXIT } from "../io.js";
import { dim, type Text } from "../text.js";
import { withHistory } from "../workspace.js";

const POLL_MS = 200;

/** Waits until `run` has ended and prints its page; 0 when it succeeded. Ctrl-C cancels the run, and waits for its end. */
export async function followRun(context: CommandContext, control: Control, run: number): Promise<number> {
  const interrupted = context.io.interruption();
  const cancel = (): void => {
    context.print.note(`cancelling run ${run}; once more to leave at once`);
    // A run that ended in this moment needs no cancelling.
    control.perform("job.cancel", { run }).catch(() => undefined);
  };
  interrupted.addEventListener("abort", cancel, { once: true });
  if (interrupted.aborted) cancel();
  try {
    return await withHistory(context, async (history, paths) => {
      await untilFinished(context, control, history, run);
      const document = await readRun(history, run);
      report(context, document, paths.root);
      if (interrupted.aborted) return EXIT.interrupted;
      return document.run.state === "succeeded" ? EXIT.done : EXIT.failed;
    });
  } finally {
    interrupted.removeEventListener("abort", cancel);
  }
}

/** The page on stdout, and what made the run fail below it on stderr. */
function report(context: CommandContext, document: RunDocument, workspace: string): void {
  const { print } = context;
  print.result(document, () => (print.quiet ? [] : runPage(document, { workspace, failure: "elsewhere" })));
  if (document.run.error) print.error(failureOf(document.run.error));
}

function failureOf(error: ErrorFields): AgentError {
  return new AgentError(error.code, error.message, {
    ...(error.cause === null ? {} : { cause: error.cause }),
    ...(error.hint === null ? {} : { hint: error.hint }),
    ...(error.task === null ? {} : { where: `task ${error.task}` }),
  });
}

async function untilFinished(
  context: CommandContext,
  control: Control,
  history: RunHistory,
  run: number,
): Promise<void> {
  const ended = new AbortController();
  // Only a view: the run goes on without it, and is told at its end.
  const watching = watch(context, history, run, ended.signal).catch((error: unknown) =>
    context.print.warn(`run ${run} goes on, but cannot be watched: ${asAgentError(error).message}`),
  );
  try {
    await control.finished(run, new AbortController().signal);
  } finally {
    ended.abort();
    await watching;
    context.print.progress("");
  }
}

/** Live: with --verbose every line that is said, else one line that changes, where stderr is a terminal. */
async function watch(context: CommandContext, history: RunHistory, run: number, ended: AbortSignal): Promise<void> {
  const { print, io } = context;
  if (!print.verbose && (print.quiet || print.json || !io.stderr.isTTY)) return;
  const began = io.clock.monotonic();
  let after: number | undefined;
  let last = "waiting to begin";
  while (!ended.aborted) {
    await sleep(io.clock, POLL_MS, ended).catch(() => undefined);
    const lines = await history.lines(after === undefined ? { run } : { run, after });
    if (print.verbose) for (const line of lines) print.detail(transcriptLine(line));
    after = lines.at(-1)?.cursor ?? after;
    const newest = lines.at(-1);
    if (newest) last = `${newest.task ?? ""}  ${newest.text}`.trim();
    if (!ended.aborted) print.progress(progressLine(run, io.clock.monotonic() - began, last));
  }
}

function progressLine(run: number, elapsedMs: number, last: string): Text {
  return [`run ${run}  ${writeDuration(Math.round(elapsedMs / 1000) * 1000)}  `, dim(last)];
}
