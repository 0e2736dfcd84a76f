import { AgentError } from "../../base/errors.js";
import type { Job } from "../../jobs/job.js";
import { unknownName, type WorkspaceDefinitions } from "../workspace.js";

/** The job `name`; where it is off, why. */
export function jobOf(definitions: WorkspaceDefinitions, name: string): Job {
  const found = definitions.jobs.get(name);
  if (found !== undefined) return found;
  const off = definitions.off.find((each) => each.job === name);
  if (off !== undefined)
    throw new AgentError("FERRY_DEFINITION", `the job ${name} is off: ${off.problem}`, { where: off.file });
  throw unknownName("job", name, [...definitions.jobs.keys()]);
}
