import type { Job } from "../jobs/job.js";
import type { TakenFiles } from "../runs/ports.js";
import { triggerKinds } from "../scheduler/registry.js";
import type { FilesContext, TriggerKind } from "../scheduler/trigger.js";

/** The files that each watch of `job` would take now, for a manual run; undefined when none of its triggers has files. */
export async function currentFiles(
  job: Job,
  context: Omit<FilesContext, "job" | "trigger">,
): Promise<readonly TakenFiles[] | undefined> {
  const taken: TakenFiles[] = [];
  for (const definition of job.triggers) {
    const kind = (triggerKinds as readonly TriggerKind[]).find((one) => one.type === definition.kind);
    if (!kind?.files) continue;
    const triggerId = kind.identity(definition.spec);
    const files = await kind.files(definition.spec, { ...context, job: job.name, trigger: triggerId });
    taken.push({ triggerId, files });
  }
  return taken.length > 0 ? taken : undefined;
}
