import type { AgentStatus } from "../../agent/operations.js";
import { AgentError } from "../../base/errors.js";
import type { RunRecord } from "../../runs/history.js";
import type { CommandContext } from "../command.js";
import { count } from "../figures.js";
import { runTable } from "../history/list.js";
import { EXIT } from "../io.js";
import { type Cell, table } from "../table.js";
import { bold, dim, green, red, type Text, yellow } from "../text.js";
import { localTime } from "../when.js";
import { withControl } from "../workspace.js";

/** `ferry agent status`; 3 where none is running. */
export async function agentStatus(context: CommandContext): Promise<number> {
  const status = await ask(context);
  if (status === undefined) {
    context.print.result({ up: false }, () => ["no agent is running"]);
    return EXIT.noAgent;
  }
  context.print.result(status, () => view(status, context.print.width));
  return EXIT.done;
}

async function ask(context: CommandContext): Promise<AgentStatus | undefined> {
  try {
    return await withControl(context, "agent", (control) => control.perform("agent.status", {}));
  } catch (error) {
    if (error instanceof AgentError && error.code === "FERRY_AGENT_NOT_RUNNING") return undefined;
    throw error;
  }
}

function view(status: AgentStatus, width: number | undefined): Text[] {
  return [
    [
      "the agent is ",
      green("up"),
      `, process ${status.pid}, since ${localTime(status.since)}, with ${count(status.jobs, "job")}`,
    ],
    ...runs("Running", status.running, width),
    ...runs("Waiting", status.queued, width),
    ...watchers(status, width),
    ...section(
      red("Off, because their definitions are wrong"),
      status.off.map((off) => `${off.file}${off.job === null ? "" : ` (job ${off.job})`}: ${off.problem}`),
    ),
    ...section(yellow("Changed since they were read (`ferry agent reload`)"), status.changed),
  ];
}

function section(title: Text, lines: readonly Text[]): Text[] {
  return lines.length === 0 ? [] : ["", bold(title), ...lines.map((line): Text => ["  ", line])];
}

function runs(title: string, records: readonly RunRecord[], width: number | undefined): Text[] {
  return records.length === 0 ? [] : section(title, runTable(records, width === undefined ? undefined : width - 2));
}

const WATCHERS = [
  { head: "JOB", keep: "start" },
  { head: "FOLDER", keep: "end" },
  { head: "STATE" },
  { head: "PENDING", align: "right" },
  { head: "LAST SWEEP" },
  { head: "ERROR", keep: "start" },
] as const;

function watchers(status: AgentStatus, width: number | undefined): Text[] {
  const rows = status.watchers.map((watcher): Cell[] => [
    watcher.job,
    watcher.path,
    watcher.state === "watching" ? watcher.state : { ...red(watcher.state), text: watcher.state },
    String(watcher.pending),
    watcher.lastSweep === null ? "-" : localTime(watcher.lastSweep),
    watcher.error ?? "",
  ]);
  return rows.length === 0
    ? []
    : section(dim("Watched folders"), table(WATCHERS, rows, width === undefined ? undefined : width - 2));
}
