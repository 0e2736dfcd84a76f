import type { RunRecord } from "../../runs/history.js";
import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { runState } from "../states.js";
import { type Cell, table } from "../table.js";
import { dim, red, type Text, yellow } from "../text.js";
import { localTime } from "../when.js";
import { readDefinitions, type WorkspaceDefinitions, withHistory } from "../workspace.js";
import { firingsOf, identitiesOf } from "./firings.js";

interface JobRow {
  readonly name: string;
  readonly group: string | null;
  readonly enabled: boolean;
  /** The kinds. */
  readonly triggers: readonly string[];
  /** What each trigger is, for people: `cron 30 2 * * *`. */
  readonly triggerNames: readonly string[];
  readonly next: string | null;
  readonly lastRun: RunRecord | null;
  /** Null where the definition is right. */
  readonly problem: string | null;
}

/** `ferry job list`. */
export async function listJobs(context: CommandContext): Promise<number> {
  const jobs = await withHistory(context, async (history, paths) => {
    const definitions = await readDefinitions(context, paths);
    const last = await history.lastRuns();
    const rows = await right(definitions, last, context.io.clock.now());
    return [...rows, ...wrong(definitions, last)].sort((a, b) => (a.name < b.name ? -1 : 1));
  });
  context.print.result({ jobs }, () => view(jobs, context.print.width));
  return EXIT.done;
}

async function right(
  { jobs }: WorkspaceDefinitions,
  last: ReadonlyMap<string, RunRecord>,
  now: Date,
): Promise<JobRow[]> {
  const { triggerKinds } = await import("../../scheduler/registry.js");
  return [...jobs.values()].map((job) => ({
    name: job.name,
    group: job.group ?? null,
    enabled: job.enabled,
    triggers: job.triggers.map((trigger) => trigger.kind),
    triggerNames: identitiesOf(job, triggerKinds),
    next: job.enabled
      ? (firingsOf(job, triggerKinds, { from: now, count: 20 }).find((firing) => firing.skipped === null)?.at ?? null)
      : null,
    lastRun: last.get(job.name) ?? null,
    problem: null,
  }));
}

function wrong({ off }: WorkspaceDefinitions, last: ReadonlyMap<string, RunRecord>): JobRow[] {
  return off.flatMap(({ job, problem }): JobRow[] => {
    if (job === null) return [];
    return [
      {
        name: job,
        group: null,
        enabled: false,
        triggers: [],
        triggerNames: [],
        next: null,
        lastRun: last.get(job) ?? null,
        problem,
      },
    ];
  });
}

const COLUMNS = [
  { head: "JOB", keep: "start" },
  { head: "GROUP", keep: "start", spare: true },
  { head: "TRIGGERS", keep: "start" },
  { head: "NEXT" },
  { head: "LAST RUN", spare: true },
  { head: "STATE" },
  { head: "NOTE", keep: "start" },
] as const;

function view(jobs: readonly JobRow[], width: number | undefined): Text[] {
  if (jobs.length === 0) return [dim("no jobs")];
  return table(COLUMNS, jobs.map(row), width);
}

function row(job: JobRow): Cell[] {
  const { lastRun } = job;
  return [
    job.name,
    job.group ?? "",
    job.triggerNames.join(", "),
    job.next === null ? "-" : localTime(job.next),
    lastRun?.startedAt ? localTime(lastRun.startedAt) : "-",
    lastRun === null ? "-" : runState(lastRun),
    note(job),
  ];
}

function note(job: JobRow): Cell {
  if (job.problem !== null) return { ...red(job.problem), text: `off: ${job.problem}` };
  return job.enabled ? (job.lastRun?.error?.code ?? "") : { ...yellow("disabled"), text: "disabled" };
}
