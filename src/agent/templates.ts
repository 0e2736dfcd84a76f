import type { Clock } from "../base/clock.js";
import type { Job } from "../jobs/job.js";
import type { RevealSecret } from "../jobs/template-engine.js";
import { createTemplates, type Templates } from "../jobs/templates.js";

export function jobTemplates(job: Job, reveal: RevealSecret): Templates {
  return createTemplates({ timezone: job.timezone, reveal });
}

/** Renders texts of triggers, which know a file and no run: `{{ file.name }}.done`. */
export function renderForFile(options: {
  readonly clock: Clock;
  readonly timezone: string;
  readonly reveal: RevealSecret;
}) {
  const templates = createTemplates(options);
  return (template: string, file: { readonly path: string }): Promise<string> => {
    const identity = { size: 0, mtimeNs: "0", ctimeNs: "0", ino: "0", dev: "0" };
    const now = options.clock.now();
    return templates.text(template, {
      ...{ now, job: "", run: { id: 0, startedAt: now }, trigger: { kind: "", firedAt: now } },
      ...{ vars: {}, env: {}, tasks: new Map() },
      file: { path: file.path, folder: "", identity, origins: [] },
    });
  };
}
