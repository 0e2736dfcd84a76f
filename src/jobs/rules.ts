import { isSafeName } from "../base/names.js";
import { didYouMean, list } from "../base/nearest.js";
import type { TriggerDefinition, TriggerKind } from "../scheduler/trigger.js";
import type { WorkspacePaths } from "../workspace/paths.js";
import { idsOf, TASK_LISTS } from "./definition.js";
import { swallowed } from "./forbidden-folders.js";
import { texts } from "./job-templates.js";
import { landsIn } from "./landing.js";
import { valueAt } from "./parse.js";
import type { Finding, KeyPath } from "./problem.js";
import { type JobDefinition, kindOf } from "./schema.js";
import { isBlock } from "./yaml.js";

export interface RuleContext {
  readonly paths: WorkspacePaths;
  readonly triggerKinds: readonly TriggerKind[];
  readonly triggers: readonly TriggerDefinition[];
  /** The job as the file has it. */
  readonly data: unknown;
  /** Names of all connections that are defined, broken ones too. */
  readonly connections: readonly string[];
  /** False when a file of connections could not be read, so that a name cannot be called unknown. */
  readonly connectionsKnown: boolean;
  readonly timezone: string;
  readonly now: Date;
}

/** What joins a job with itself, with other files and with the workspace. */
export function checkRules(job: JobDefinition, context: RuleContext): Finding[] {
  return [
    ...notYet(job),
    ...idsOf(job).twice.map(
      ({ path, id }): Finding => ({ path, message: `the id "${id}" is taken by another task of this job` }),
    ),
    ...context.triggers.flatMap((trigger, index) => checkTrigger(trigger, index, context)),
    ...everyTask(job).flatMap((task) => [
      ...checkConnection(task, context),
      ...checkFolder(task, context),
      ...checkLanding(task, context),
      ...controlCharacters(task),
    ]),
  ];
}

/** The connections that a job names, where the name does not depend on the run. */
export function connectionsOf(job: JobDefinition): string[] {
  const named = everyTask(job).flatMap(({ spec }) => (typeof spec.connection === "string" ? [spec.connection] : []));
  return [...new Set(named.filter((name) => !name.includes("{{")))];
}

interface PlacedTask {
  readonly kind: string;
  readonly path: KeyPath;
  readonly spec: Readonly<Record<string, unknown>>;
}

function everyTask(job: JobDefinition): PlacedTask[] {
  return TASK_LISTS.flatMap((name) =>
    job[name].map((task, index) => {
      const kind = kindOf(task);
      return { kind, path: [name, index, kind], spec: { ...(task[kind] as object | undefined) } };
    }),
  );
}

function hasQuarantine(trigger: unknown): boolean {
  const watch = isBlock(trigger) ? trigger.watch : undefined;
  return isBlock(watch) && watch.quarantine !== undefined;
}

function notYet(job: JobDefinition): Finding[] {
  const findings: Finding[] = [];
  const later = (path: KeyPath, message: string, severity: "error" | "warning"): void => {
    findings.push({ path, at: "key", severity, code: "FERRY_NOT_SUPPORTED", message, hint: "remove the key" });
  };
  if (job.calendar !== undefined)
    later(["calendar"], "calendars come later: without one, firings on holidays would run", "error");
  if (job.expect !== undefined)
    later(["expect"], "`expect` has no effect in this version: nothing is watched for", "warning");
  if (job.notify !== undefined) later(["notify"], "`notify` has no effect in this version: nobody is told", "warning");
  for (const [index, trigger] of job.triggers.entries()) {
    if (hasQuarantine(trigger)) {
      const path = ["triggers", index, "watch", "quarantine"];
      later(path, "`quarantine` has no effect in this version: files stay where they are", "warning");
    }
  }
  for (const name of TASK_LISTS) {
    for (const [index, task] of job[name].entries()) {
      if (task.forEach !== undefined) later([name, index, "forEach"], "`forEach` comes later", "error");
    }
  }
  for (const { path, spec } of everyTask(job)) {
    if (spec.resume === true)
      later([...path, "resume"], "`resume` has no effect in this version: a file is sent again as a whole", "warning");
    for (const [key, unchanged] of Object.entries(LATER_KEYS)) {
      const value = spec[key];
      if (value !== undefined && value !== unchanged) later([...path, key], `\`${key}\` comes later`, "error");
    }
  }
  return findings;
}

/** Keys of uploads that a later version brings, each with the value that means what this version does. */
const LATER_KEYS = { marker: undefined, batch: false, duplicates: "allow" };

function checkTrigger(trigger: TriggerDefinition, index: number, context: RuleContext): Finding[] {
  const kind = context.triggerKinds.find((one) => one.type === trigger.kind);
  if (kind === undefined) return [];
  const path: KeyPath = ["triggers", index];
  const identity = kind.identity(trigger.spec);
  const findings: Finding[] = [];
  const twin = context.triggers.findIndex(
    (other) => other.kind === trigger.kind && kind.identity(other.spec) === identity,
  );
  if (twin < index)
    findings.push({ path, message: `the same trigger as triggers[${twin}]: ${identity}`, hint: "remove one of them" });
  const folder = watchedFolder(trigger);
  const place =
    valueAt(context.data, [...path, "watch", "path"]) === undefined ? [...path, "watch"] : [...path, "watch", "path"];
  const taken = folder === undefined ? undefined : swallowed(context.paths, folder);
  if (folder !== undefined && taken !== undefined) findings.push({ path: place, ...refused("watched", folder, taken) });
  if (kind.next?.(trigger.spec, { timezone: context.timezone, from: context.now, count: 1 }).length === 0) {
    findings.push({ path: [...path, trigger.kind], severity: "warning", message: `${identity} never comes` });
  }
  return findings;
}

function watchedFolder({ kind, spec }: TriggerDefinition): string | undefined {
  const folder = kind === "watch" ? (valueAt(spec, ["watch", "path"]) ?? valueAt(spec, ["watch"])) : undefined;
  return typeof folder === "string" ? folder : undefined;
}

function checkConnection({ path, spec }: PlacedTask, context: RuleContext): Finding[] {
  const name = spec.connection;
  if (
    typeof name !== "string" ||
    name.includes("{{") ||
    context.connections.includes(name) ||
    !context.connectionsKnown
  )
    return [];
  const there = context.connections.length === 0 ? "none is defined" : `there are ${list(context.connections, "and")}`;
  return [
    {
      path: [...path, "connection"],
      message: `unknown connection "${name}"; ${there}`,
      hint: didYouMean(name, context.connections),
    },
  ];
}

function checkFolder({ kind, path, spec }: PlacedTask, context: RuleContext): Finding[] {
  const to = spec.to;
  if (typeof to !== "string" || !(kind === "download" || (kind === "sync" && spec.direction === "download"))) return [];
  const taken = swallowed(context.paths, to);
  return taken === undefined ? [] : [{ path: [...path, "to"], ...refused("download", to, taken) }];
}

/** What was sent would count as a new file of the job. */
function checkLanding({ kind, path, spec }: PlacedTask, context: RuleContext): Finding[] {
  const folder = kind === "upload" ? landsIn(spec, context.triggers, context.paths.root) : undefined;
  if (folder === undefined) return [];
  return [
    {
      path: [...path, "after"],
      message: `what was sent would lie in the watched folder "${folder}" under a name that counts there`,
      hint: "move it out of the folder, such as to sent/, or exclude its new name from the watch",
    },
  ];
}

function refused(what: string, folder: string, taken: string): Pick<Finding, "message" | "hint"> {
  return {
    message: `the ${what} folder "${folder}" would hold ${taken} of this workspace`,
    hint: "use a folder of its own, such as inbox/",
  };
}

/** A line end in what is sent to a server would become a command of its own. */
function controlCharacters({ path, spec }: PlacedTask): Finding[] {
  if (!("connection" in spec)) return [];
  return texts(spec, path).flatMap((one) => refuseControl(one.text, one.path));
}

export function refuseControl(text: string, path: KeyPath): Finding[] {
  if (text === "" || isSafeName(text)) return [];
  return [
    {
      path,
      message: "a line end or another control character may not stand here: it would become a command of its own",
    },
  ];
}
