import type { RunFilter, RunRecord } from "../../runs/history.js";
import type { RunState } from "../../runs/run.js";
import type { CommandContext } from "../command.js";
import { writeBytes, writeDuration, writeNumber } from "../figures.js";
import { EXIT } from "../io.js";
import { runState } from "../states.js";
import { type Cell, table } from "../table.js";
import { dim, red, type Text } from "../text.js";
import { localTime, parseWhen } from "../when.js";
import { withHistory } from "../workspace.js";

export interface ListOptions {
  readonly job?: string;
  readonly status?: readonly RunState[];
  readonly since?: string;
  readonly until?: string;
  readonly trigger?: string;
  readonly limit?: number;
}

/** What a person reads, and what a script may count on. */
const USUAL = 50;
const MOST = 10_000;

/** `ferry history`: runs, newest first. */
export async function listRuns(context: CommandContext, options: ListOptions): Promise<number> {
  const limit = options.limit ?? (context.print.json ? MOST : USUAL);
  const filter = { limit, ...filterOf(options, context.io.clock.now()) };
  const runs = await withHistory(context, (history) => history.runs(filter));
  context.print.result({ runs }, () => runTable(runs, context.print.width));
  if (runs.length === limit) context.print.note(dim(`the newest ${limit}; there may be more: see --limit`));
  return EXIT.done;
}

function filterOf(options: ListOptions, now: Date): Omit<RunFilter, "limit"> {
  const { since, until, status } = options;
  return {
    ...(options.job === undefined ? {} : { job: options.job }),
    ...(options.trigger === undefined ? {} : { trigger: options.trigger }),
    ...(status === undefined ? {} : { states: status }),
    ...(since === undefined ? {} : { since: parseWhen(since, "--since", { now, relative: "past" }) }),
    ...(until === undefined ? {} : { until: parseWhen(until, "--until", { now, relative: "past", edge: "end" }) }),
  };
}

const COLUMNS = [
  { head: "RUN", align: "right" },
  { head: "STARTED" },
  { head: "JOB", keep: "start" },
  { head: "STATE" },
  { head: "TRIGGER", keep: "start", spare: true },
  { head: "FILES", align: "right" },
  { head: "SIZE", align: "right", spare: true },
  { head: "TOOK", align: "right", spare: true },
  { head: "NOTE", keep: "start" },
] as const;

export function runTable(runs: readonly RunRecord[], width: number | undefined): Text[] {
  if (runs.length === 0) return [dim("no runs")];
  return table(COLUMNS, runs.map(row), width);
}

function row(run: RunRecord): Cell[] {
  return [
    String(run.id),
    when(run),
    run.job,
    runState(run),
    run.trigger,
    run.files === 0 ? "-" : writeNumber(run.files),
    run.files === 0 ? "-" : writeBytes(run.bytes),
    writeDuration(run.durationMs),
    note(run),
  ];
}

function when(run: RunRecord): string {
  const at = run.startedAt ?? run.scheduledAt;
  return at === null ? "-" : localTime(at);
}

function note(run: RunRecord): Cell {
  if (run.error) return { ...red(run.error.code), text: run.error.code };
  if (run.continuedBy !== null) return `continued by ${run.continuedBy}`;
  return run.reason ?? (run.late ? "late" : "");
}
