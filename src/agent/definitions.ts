import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AgentError } from "../base/errors.js";
import type { ConnectionDefinition } from "../connections/registry.js";
import type { Job } from "../jobs/job.js";
import type { Definitions } from "../jobs/load.js";

type Loaded = Definitions<ConnectionDefinition>;

/** The definitions in force. They change by `reload` only. */
export interface InForce {
  readonly loaded: Loaded;
  job(name: string): Job | undefined;
  jobs(): readonly Job[];
  connection(name: string): ConnectionDefinition | undefined;
  /** Reads the files again. What is wrong now stays as it was when it was right. */
  reload(): Promise<void>;
  /** Files that differ from what is in force. */
  changed(): readonly string[];
  noSuchJob(name: string): AgentError;
}

export async function definitionsInForce(workspace: string, load: () => Promise<Loaded>): Promise<InForce> {
  let loaded = await load();
  let jobs = loaded.jobs;
  let connections = loaded.connections;
  return {
    get loaded() {
      return loaded;
    },
    job: (name) => jobs.get(name),
    jobs: () => [...jobs.values()],
    connection: (name) => connections.get(name),
    async reload() {
      const before = { jobs, connections };
      loaded = await load();
      jobs = kept(loaded.jobs, before.jobs, (job) =>
        loaded.off.some((off) => off.job === job.name || join(workspace, off.file) === job.file),
      );
      const brokenConnections = loaded.off.some((off) => off.job === null);
      connections = kept(loaded.connections, before.connections, () => brokenConnections);
    },
    changed: () =>
      [...loaded.hashes].filter(([file, hash]) => hashOf(join(workspace, file)) !== hash).map(([file]) => file),
    noSuchJob(name) {
      const off = loaded.off.find((one) => one.job === name);
      if (off) return new AgentError("FERRY_DEFINITION", `the job ${name} is off: ${off.problem}`, { where: off.file });
      return new AgentError("FERRY_NOT_FOUND", `there is no job ${name}`, {
        hint: `there are: ${[...jobs.keys()].join(", ") || "none"}`,
      });
    },
  };
}

/** The new ones, and of the old ones those whose file is wrong at the moment. */
function kept<T>(
  now: ReadonlyMap<string, T>,
  before: ReadonlyMap<string, T>,
  isBroken: (old: T) => boolean,
): ReadonlyMap<string, T> {
  const stay = [...before].filter(([name, old]) => !now.has(name) && isBroken(old));
  return new Map([...now, ...stay]);
}

function hashOf(file: string): string | undefined {
  try {
    return createHash("sha256").update(readFileSync(file)).digest("hex");
  } catch {
    return undefined;
  }
}
