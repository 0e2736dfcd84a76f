import { parse as parsePath } from "node:path";
import { list } from "../base/nearest.js";
import type { TriggerDefinition, TriggerKind } from "../scheduler/trigger.js";
import type { TaskKind } from "../tasks/task.js";
import type { WorkspacePaths } from "../workspace/paths.js";
import { toJob } from "./definition.js";
import type { Job } from "./job.js";
import { checkTemplates } from "./job-templates.js";
import { parse } from "./parse.js";
import type { Finding, Problem } from "./problem.js";
import { checkRules, connectionsOf } from "./rules.js";
import { type JobDefinition, jobName, jobSchema } from "./schema.js";
import type { Source } from "./source.js";

export interface JobContext {
  readonly paths: WorkspacePaths;
  readonly taskKinds: readonly TaskKind[];
  readonly triggerKinds: readonly TriggerKind[];
  readonly connections: ReadonlySet<string>;
  readonly brokenConnections: ReadonlyMap<string, Problem>;
  readonly connectionsKnown: boolean;
  readonly secretNames: readonly string[] | undefined;
  readonly env: readonly string[];
  readonly timezone: string;
  readonly zoneUnknown: boolean;
  readonly now: Date;
}

/** A definition that is not in force, and why. */
export interface Off {
  readonly file: string;
  /** Null when it is not a job. */
  readonly job: string | null;
  readonly problem: string;
}

export interface LoadedJobs {
  readonly jobs: Map<string, Job>;
  readonly off: Off[];
  readonly problems: Problem[];
}

/** All jobs. One that is wrong, or that needs a connection which is wrong, is off; the others are in force. */
export function loadJobs(sources: readonly Source[], context: JobContext): LoadedJobs {
  const loaded: LoadedJobs = { jobs: new Map(), off: [], problems: [] };
  const schema = jobSchema({ tasks: context.taskKinds, triggers: context.triggerKinds });
  const read = sources.map((source) => ({ source, ...nameOf(source) }));
  for (const { source, name, path } of read) {
    const twins = read.filter((other) => other.source !== source && other.name === name);
    const { definition, findings } = source.readable
      ? check(source, schema, context)
      : { definition: undefined, findings: [] };
    if (twins.length > 0) {
      const files = list(
        twins.map((twin) => twin.source.file),
        "and",
      );
      findings.push({
        path,
        message: `the job "${name}" is defined in ${files}, too`,
        hint: "give each job a name of its own",
      });
    }
    const problems = findings.map(source.problem);
    loaded.problems.push(...problems);
    const reason = whyOff(source, definition, problems, context);
    if (reason !== undefined || definition === undefined) {
      loaded.off.push({ file: source.file, job: name, problem: reason ?? "the file cannot be read" });
      continue;
    }
    const triggers = triggersOf(definition, source.data, context.triggerKinds);
    loaded.jobs.set(
      name,
      toJob(definition, { name, file: source.path, hash: source.hash, timezone: context.timezone, triggers }),
    );
  }
  return loaded;
}

/** The job's name: what the file says, else its stem. */
function nameOf(source: Source): { readonly name: string; readonly path: readonly string[] } {
  const data = source.data;
  const said =
    typeof data === "object" && data !== null && "name" in data && typeof data.name === "string"
      ? data.name
      : undefined;
  return said === undefined ? { name: parsePath(source.file).name, path: [] } : { name: said, path: ["name"] };
}

function check(
  source: Source,
  schema: ReturnType<typeof jobSchema>,
  context: JobContext,
): { definition: JobDefinition | undefined; findings: Finding[] } {
  if (source.data === null) {
    return {
      definition: undefined,
      findings: [{ path: [], message: "the file is empty: a job has at least `tasks`" }],
    };
  }
  const name = nameOf(source);
  const wrongName = name.path.length > 0 ? undefined : parse(jobName, name.name).findings[0];
  const findings: Finding[] =
    wrongName === undefined
      ? []
      : [
          {
            path: [],
            message: `the file's name cannot be a job's: ${wrongName.message}`,
            hint: "rename the file, or give the job a `name:`",
          },
        ];
  const parsed = parse(schema, source.data);
  if (parsed.value === undefined) return { definition: undefined, findings: [...findings, ...parsed.findings] };
  const definition = parsed.value;
  const triggers = triggersOf(definition, source.data, context.triggerKinds);
  const timezone = definition.timezone ?? context.timezone;
  const connections = [...context.connections, ...context.brokenConnections.keys()];
  findings.push(
    ...checkRules(definition, { ...context, data: source.data, triggers, timezone, connections }),
    ...checkTemplates(definition, context),
  );
  return { definition, findings };
}

/** Which kind parsed each trigger: the one whose key the file has. */
function triggersOf(definition: JobDefinition, data: unknown, kinds: readonly TriggerKind[]): TriggerDefinition[] {
  const raw =
    typeof data === "object" && data !== null && "triggers" in data && Array.isArray(data.triggers)
      ? data.triggers
      : [];
  return definition.triggers.map((spec, index) => {
    const said: unknown = raw[index];
    const keys = typeof said === "object" && said !== null ? Object.keys(said) : [said];
    return { kind: kinds.find((kind) => keys.includes(kind.type))?.type ?? "", spec };
  });
}

function whyOff(
  source: Source,
  definition: JobDefinition | undefined,
  problems: readonly Problem[],
  context: JobContext,
): string | undefined {
  const first = problems.find((problem) => problem.severity === "error");
  if (first !== undefined) return `${source.file}:${first.line}: ${first.message}`;
  if (definition === undefined) return undefined;
  for (const name of connectionsOf(definition)) {
    const broken = context.brokenConnections.get(name);
    if (broken !== undefined)
      return `the connection "${name}" is off: ${broken.file}:${broken.line}: ${broken.message}`;
    if (!context.connections.has(name))
      return `the connection "${name}" is not known, because a file of connections cannot be read`;
  }
  const needsZone = definition.timezone === undefined && context.zoneUnknown;
  return needsZone ? "the agent's time zone is not known, because ferry.yaml is wrong" : undefined;
}
