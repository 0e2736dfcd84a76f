import { sleep } from "../../base/clock.js";
import { AgentError } from "../../base/errors.js";
import type { LineFilter, LineRecord, RunHistory } from "../../runs/history.js";
import { isFinal } from "../../runs/run.js";
import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { cyan, dim, type Text } from "../text.js";
import { preciseTime } from "../when.js";
import { withHistory } from "../workspace.js";
import { noSuchRun } from "./page.js";

export interface LogOptions {
  readonly session?: number;
  readonly task?: string;
  readonly follow?: true;
}

const POLL_MS = 200;

/** `ferry history log RUN`: the transcript. */
export async function showLog(context: CommandContext, run: number, options: LogOptions): Promise<number> {
  const filter: LineFilter = {
    run,
    ...(options.session === undefined ? {} : { session: options.session }),
    ...(options.task === undefined ? {} : { task: options.task }),
  };
  return withHistory(context, async (history) => {
    if ((await history.run(run)) === undefined) throw await noSuchRun(history, run);
    if (options.follow) return follow(context, history, filter);
    const lines = await history.lines(filter);
    if (lines.length === 0) await explainNothing(context, history, options, run);
    context.print.result({ lines: lines.map(documentOf) }, (document) => document.lines.map(transcriptLine));
    return EXIT.done;
  });
}

/** A line as --json prints it: the contract's keys, without the cursor that only following needs. */
type LineDocument = Omit<LineRecord, "cursor">;

function documentOf({ at, session, channel, direction, text, task }: LineRecord): LineDocument {
  return { at, session, channel, direction, text, task };
}

const MARKS = { sent: cyan(">"), received: "<", note: dim("*") } as const;

/** `[2026-11-20 02:30:00.131] #1 < 220 Ready` */
export function transcriptLine(line: LineDocument): Text {
  return [dim(`[${preciseTime(line.at)}]`), ` #${line.session} `, MARKS[line.direction], ` ${line.text}`];
}

async function explainNothing(
  context: CommandContext,
  history: RunHistory,
  options: LogOptions,
  run: number,
): Promise<void> {
  if (options.session !== undefined) {
    const sessions = await history.sessions(run);
    if (!sessions.some((session) => session.session === options.session)) {
      throw new AgentError(
        "FERRY_NOT_FOUND",
        `run ${run} has no session ${options.session}; it opened ${sessions.length}`,
      );
    }
  }
  if (options.task !== undefined) {
    const tasks = (await history.tasks(run)).map((task) => task.id);
    if (!tasks.includes(options.task)) {
      throw new AgentError(
        "FERRY_NOT_FOUND",
        `run ${run} has no task "${options.task}"; it has ${tasks.join(", ") || "none"}`,
      );
    }
  }
  context.print.note(dim(`run ${run} said nothing to any server`));
}

async function follow(context: CommandContext, history: RunHistory, filter: LineFilter): Promise<number> {
  const signal = context.io.interruption();
  let after: number | undefined;
  for (;;) {
    // Asked before the lines, so that none is missed that was said before the run ended.
    const state = (await history.run(filter.run))?.state;
    const lines = await history.lines(after === undefined ? filter : { ...filter, after });
    for (const line of lines) context.print.row(documentOf(line), transcriptLine);
    after = lines.at(-1)?.cursor ?? after;
    if (state === undefined || isFinal(state) || context.print.closed()) return EXIT.done;
    await sleep(context.io.clock, POLL_MS, signal).catch(() => undefined);
    if (signal.aborted) return EXIT.interrupted;
  }
}
