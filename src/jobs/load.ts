import type { TriggerKind } from "../scheduler/trigger.js";
import { zoneOf } from "../settings.js";
import type { Settings } from "../settings-schema.js";
import type { TaskKind } from "../tasks/task.js";
import { workspacePaths } from "../workspace/paths.js";
import { findDefinitions, readDefinition, unsafeFolders, whole } from "./files.js";
import type { Job } from "./job.js";
import { type ConnectionKinds, loadConnections } from "./load-connections.js";
import { loadJobs, type Off } from "./load-jobs.js";
import { loadSettings } from "./load-settings.js";
import { compareProblems, type Problem } from "./problem.js";
import type { Source } from "./source.js";

export interface Kinds<Definition> {
  readonly connections: ConnectionKinds<Definition>;
  readonly tasks: readonly TaskKind[];
  readonly triggers: readonly TriggerKind[];
}

export interface LoadOptions<Definition> {
  /** Absolute. */
  readonly workspace: string;
  readonly kinds: Kinds<Definition>;
  /** The names in the vault; undefined when they are not known, and then no secret is called missing. */
  readonly secretNames: readonly string[] | undefined;
  /** For triggers that never come. */
  readonly now: Date;
  /** The user who runs this; by default the process's. */
  readonly user?: number | undefined;
}

/** Everything that is right, and a list of everything that is wrong. */
export interface Definitions<Definition> {
  readonly settings: Settings;
  /** IANA zone of jobs that name none. */
  readonly timezone: string;
  readonly connections: ReadonlyMap<string, Definition>;
  readonly jobs: ReadonlyMap<string, Job>;
  /** Errors and warnings, by file and line. */
  readonly problems: readonly Problem[];
  readonly off: readonly Off[];
  /** SHA-256 of each file that was read, by its name relative to the workspace. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** Reads all definitions of a workspace. Never fails for what they say: one broken file stops only what needs it. */
export function loadDefinitions<Definition>(options: LoadOptions<Definition>): Definitions<Definition> {
  const paths = workspacePaths(options.workspace);
  const user = "user" in options ? options.user : process.getuid?.();
  const found = findDefinitions(paths);
  const folders = unsafeFolders(paths, user);
  const problems: Problem[] = [...folders, ...found.passedOver.map(passedOver)];
  const hashes = new Map<string, string>();
  const read = (files: readonly string[]): Source[] => {
    return files.flatMap((file) => {
      const inFolder = folders.find(
        (folder) => folder.severity === "error" && (folder.file === "." || file.startsWith(`${folder.file}/`)),
      );
      const { read, problems: more } = readDefinition(paths, file, user);
      problems.push(...more);
      if (read !== undefined) hashes.set(file, read.source.hash);
      return [inFolder === undefined ? (read?.source ?? unreadable(file)) : unreadable(file)];
    });
  };
  const settingsSource = read(found.settings)[0];
  const { settings, zoneUnknown, problems: wrongSettings } = loadSettings(settingsSource, options.secretNames);
  const sources = read(found.connections);
  const common = { env: settings.env, secretNames: options.secretNames };
  const connections = loadConnections(sources, {
    ...common,
    kinds: options.kinds.connections,
    strict: settings.policy === "strict",
  });
  const jobs = loadJobs(read(found.jobs), {
    ...common,
    paths,
    taskKinds: options.kinds.tasks,
    triggerKinds: options.kinds.triggers,
    connections: new Set(connections.connections.keys()),
    brokenConnections: connections.broken,
    connectionsKnown: sources.every((source) => source.readable),
    timezone: zoneOf(settings),
    zoneUnknown,
    now: options.now,
  });
  problems.push(...wrongSettings, ...connections.problems, ...jobs.problems);
  return {
    settings,
    timezone: zoneOf(settings),
    connections: connections.connections,
    jobs: jobs.jobs,
    problems: unique(problems).sort(compareProblems),
    off: [...offFiles(problems, found), ...jobs.off].sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0)),
    hashes,
  };
}

function passedOver(file: string): Problem {
  return whole(
    file,
    "not read: the name of a definition ends in .yaml",
    `rename it to ${file.replace(/\.yml$/, ".yaml")}`,
    "FERRY_DEFINITION",
    "warning",
  );
}

/** A file that was refused: its definitions are off. */
function unreadable(file: string): Source {
  return {
    file,
    path: file,
    data: undefined,
    hash: "",
    readable: false,
    problem: (finding) => whole(file, finding.message, finding.hint ?? null),
  };
}

/** The files of settings and connections of which something is off, with their first mistake. */
function offFiles(
  problems: readonly Problem[],
  found: { readonly settings: readonly string[]; readonly connections: readonly string[] },
): Off[] {
  return [...found.settings, ...found.connections].flatMap((file) => {
    const first = problems.filter((one) => one.file === file && one.severity === "error").sort(compareProblems)[0];
    return first === undefined ? [] : [{ file, job: null, problem: `${file}:${first.line}: ${first.message}` }];
  });
}

function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
