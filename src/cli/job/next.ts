import { AgentError } from "../../base/errors.js";
import type { Job } from "../../jobs/job.js";
import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { type Cell, table } from "../table.js";
import { dim, type Text, yellow } from "../text.js";
import { parseWhen } from "../when.js";
import { locate, readDefinitions } from "../workspace.js";
import { jobOf } from "./find.js";
import { byTime, type FiringRecord, firingsOf } from "./firings.js";

export interface NextOptions {
  readonly count?: number;
  readonly from?: string;
  readonly until?: string;
}

/** How many are shown where neither --count nor --until says it, and the most where only --until does. */
const USUAL = 10;
const MOST = 10_000;

/** `ferry job next [NAME]`. */
export async function nextFirings(
  context: CommandContext,
  name: string | undefined,
  options: NextOptions,
): Promise<number> {
  const definitions = await readDefinitions(context, locate(context));
  const { triggerKinds } = await import("../../scheduler/registry.js");
  const question = questionOf(options, context.io.clock.now());
  const jobs = name === undefined ? [...definitions.jobs.values()] : [jobOf(definitions, name)];
  const firings = jobs
    .filter((job) => job.enabled)
    .flatMap((job) => firingsOf(job, triggerKinds, question))
    .sort(byTime)
    .slice(0, question.count);
  for (const job of jobs) noteSilence(context, job, name);
  context.print.result({ firings }, () => view(firings, context.print.width));
  return EXIT.done;
}

function questionOf(options: NextOptions, now: Date): { from: Date; until?: Date; count: number } {
  const from = options.from === undefined ? now : parseWhen(options.from, "--from", { now, relative: "future" });
  if (options.until === undefined) return { from, count: options.count ?? USUAL };
  const until = parseWhen(options.until, "--until", { now: from, relative: "future", edge: "end" });
  if (until < from) throw new AgentError("FERRY_USAGE", "--until is before --from");
  return { from, until, count: options.count ?? MOST };
}

/** A list that is empty for a reason says the reason. */
function noteSilence(context: CommandContext, job: Job, asked: string | undefined): void {
  if (asked === undefined) return;
  if (!job.enabled) context.print.note(yellow(`the job ${job.name} is disabled: nothing starts it but a person`));
  else if (job.triggers.length === 0) context.print.note(`the job ${job.name} has no triggers: it starts by hand`);
}

const COLUMNS = [
  { head: "LOCAL TIME" },
  { head: "OFFSET" },
  { head: "ZONE" },
  { head: "JOB", keep: "start" },
  { head: "TRIGGER" },
  { head: "SKIPPED", keep: "start" },
] as const;

function view(firings: readonly FiringRecord[], width: number | undefined): Text[] {
  return firings.length === 0 ? [dim("no coming firings")] : table(COLUMNS, firings.map(row), width);
}

function row(firing: FiringRecord): Cell[] {
  const [, local = "", offset = "", zone = ""] = /^(.{19})(.*)\[(.*)\]$/.exec(firing.local) ?? [];
  const skipped = firing.skipped ?? "";
  return [local.replace("T", " "), offset, zone, firing.job, firing.trigger, { ...yellow(skipped), text: skipped }];
}
