import { AgentError } from "../../base/errors.js";
import type { RunHistory, RunRecord, SessionRecord, TaskRecord, TransferRecord } from "../../runs/history.js";
import { isFinal } from "../../runs/run.js";
import { errorLines } from "../error-text.js";
import { count, writeBytes, writeDuration } from "../figures.js";
import { runState, taskState } from "../states.js";
import { bold, dim, type Text, yellow } from "../text.js";
import { clockTime, dayAndTime, localDate, localTime, localZone } from "../when.js";
import { transferLines } from "./transfers.js";

/** What `history show` and `job run` print. */
export interface RunDocument {
  readonly run: RunRecord;
  readonly tasks: readonly TaskRecord[];
  readonly transfers: readonly TransferRecord[];
  readonly sessions: readonly SessionRecord[];
}

export async function readRun(history: RunHistory, id: number): Promise<RunDocument> {
  const run = await history.run(id);
  if (run === undefined) throw await noSuchRun(history, id);
  const [tasks, transfers, sessions] = await Promise.all([
    history.tasks(id),
    history.transfers(id),
    history.sessions(id),
  ]);
  return { run, tasks, transfers, sessions };
}

export async function noSuchRun(history: RunHistory, id: number): Promise<AgentError> {
  const [newest] = await history.runs({ limit: 1 });
  const known = newest === undefined ? "nothing has run yet" : `the newest is ${newest.id}`;
  return new AgentError("FERRY_NOT_FOUND", `there is no run ${id}; ${known}`, { hint: "see `ferry history`" });
}

export interface PageOptions {
  /** Paths below it are shown relative to it. */
  readonly workspace: string;
  /** Whether the run's own failure is part of the page, or is told elsewhere. */
  readonly failure: "here" | "elsewhere";
}

/** A run as someone reads it in the morning: what ran, when, whether each file arrived, what failed, what to do. */
export function runPage(document: RunDocument, options: PageOptions): Text[] {
  const { run, tasks, transfers, sessions } = document;
  return [
    [bold(`Run ${run.id}  ${run.job}`), "  ", runState(run), run.late ? yellow("  late") : ""],
    "",
    ...factLines(document),
    ...(run.error && options.failure === "here" ? ["", ...errorLines(shown(run.error))] : []),
    ...section(
      "Tasks",
      tasks.flatMap((task) => taskLines(task, run)),
    ),
    ...section("Files", transferLines(transfers, run, options.workspace)),
    ...section("Sessions", sessions.map(sessionLine)),
    ...section("Next", nextSteps(document)),
  ];
}

function section(title: string, lines: readonly Text[]): readonly Text[] {
  return lines.length === 0 ? [] : ["", bold(title), ...lines.map((line): Text => ["  ", line])];
}

function factLines({ run, transfers }: RunDocument): readonly Text[] {
  const facts: [string, Text][] = [["when", whenOf(run)]];
  facts.push([
    "started by",
    run.scheduledAt === null ? run.trigger : `${run.trigger}, due ${localTime(run.scheduledAt)}`,
  ]);
  facts.push(["files", filesOf(run, transfers)]);
  if (run.attempt > 1) facts.push(["attempt", String(run.attempt)]);
  if (run.reason !== null) facts.push(["reason", run.reason]);
  if (run.continues !== null) facts.push(["continues", `run ${run.continues}`]);
  if (run.continuedBy !== null) facts.push(["continued by", `run ${run.continuedBy}`]);
  return facts.map(([name, value]): Text => [dim(name.padEnd(12)), "  ", value]);
}

function whenOf(run: RunRecord): string {
  if (run.startedAt === null)
    return run.finishedAt === null ? "not begun yet" : `${dayAndTime(run.finishedAt)}, did not begin`;
  const started = `${dayAndTime(run.startedAt)} ${localZone()}`;
  if (run.finishedAt === null) return `${started}, ${isFinal(run.state) ? "end unknown" : "still going on"}`;
  const sameDay = localDate(run.startedAt) === localDate(run.finishedAt);
  const finished = sameDay ? clockTime(run.finishedAt) : localTime(run.finishedAt);
  return `${dayAndTime(run.startedAt)} to ${finished} ${localZone()}, ${writeDuration(run.durationMs)}`;
}

function filesOf(run: RunRecord, transfers: readonly TransferRecord[]): string {
  if (transfers.length === 0) return "none were moved";
  const arrived = transfers.filter((transfer) => transfer.state === "delivered").length;
  const others = (["held", "unverified", "failed", "skipped"] as const).flatMap((state) => {
    const number = transfers.filter((transfer) => transfer.state === state).length;
    return number === 0 ? [] : [`${number} ${state}`];
  });
  return [`${arrived} of ${count(transfers.length, "file")} delivered, ${writeBytes(run.bytes)}`, ...others].join(", ");
}

/** The task's failure is left out where it is the run's own. */
function taskLines(task: TaskRecord, run: RunRecord): readonly Text[] {
  const { mark, word } = taskState(task.state);
  const name = task.id === task.kind ? task.id : `${task.id} (${task.kind})`;
  const tries = task.attempts > 1 ? `, ${task.attempts} attempts` : "";
  const line: Text = [mark, " ", name, "  ", word, dim(`  ${writeDuration(task.durationMs)}${tries}`)];
  if (!task.error || task.error.message === run.error?.message) return [line];
  return [line, ...errorLines(shown(task.error)).map((each): Text => ["  ", each])];
}

function sessionLine(session: SessionRecord): Text {
  const security = session.tlsVersion === null ? [] : [`${session.tlsVersion} ${session.cipher ?? ""}`.trim()];
  const resumed =
    session.resumed === null
      ? []
      : [session.resumed ? "data channels resumed the TLS session" : "TLS session not resumed"];
  const identity =
    session.certificateSha256 === null ? session.hostKeySha256 : `certificate sha256:${session.certificateSha256}`;
  const facts = [session.address ?? "no address", ...security, ...resumed, ...(identity === null ? [] : [identity])];
  return [`#${session.session} ${session.connection}  `, dim(facts.join(", "))];
}

function nextSteps({ run, transfers }: RunDocument): readonly Text[] {
  const held = transfers.filter((transfer) => transfer.state === "held");
  const steps = held.flatMap((transfer): Text[] => {
    const file = shellWord(transfer.remotePath);
    return [
      `ask the partner whether ${transfer.remotePath} arrived, then one of`,
      `  ferry job resolve ${run.id} ${file} --as delivered`,
      `  ferry job resolve ${run.id} ${file} --as resend`,
    ];
  });
  if (!isFinal(run.state)) steps.push(`follow it:       ferry history log ${run.id} --follow`);
  else if (run.startedAt !== null) steps.push(`every line said: ferry history log ${run.id}`);
  return steps;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function shown(error: {
  code: string;
  message: string;
  cause: string | null;
  hint: string | null;
  task: string | null;
}) {
  return {
    code: error.code,
    message: error.message,
    causeText: error.cause,
    hint: error.hint,
    where: error.task === null ? null : `task ${error.task}`,
  };
}
