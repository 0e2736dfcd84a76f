import { AgentError } from "../../base/errors.js";
import type { CommandContext } from "../command.js";
import { readRun } from "../history/page.js";
import { EXIT } from "../io.js";
import { withControl, withHistory } from "../workspace.js";
import { followRun } from "./follow.js";

export interface RunOptions {
  readonly var: Readonly<Record<string, string>>;
  readonly detach?: true;
  readonly dryRun?: true;
}

/** `ferry job run NAME`. */
export async function runJob(context: CommandContext, job: string, options: RunOptions): Promise<number> {
  if (options.dryRun) {
    throw new AgentError("FERRY_NOT_SUPPORTED", "job run --dry-run is not there yet", {
      hint: "see what a job would do with `ferry validate` and `ferry job show`",
    });
  }
  return withControl(context, options.detach ? "agent" : "either", async (control) => {
    const { run } = await control.perform("job.run", { job, vars: options.var });
    if (!options.detach) return followRun(context, control, run);
    const document = await withHistory(context, (history) => readRun(history, run));
    context.print.result(document, () => [
      `run ${run} of ${job} is queued; follow it with: ferry history log ${run} --follow`,
    ]);
    return EXIT.done;
  });
}
