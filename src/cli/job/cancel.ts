import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { withControl } from "../workspace.js";

/** `ferry job cancel RUN`. */
export async function cancelRun(context: CommandContext, run: number): Promise<number> {
  const { state } = await withControl(context, "either", (control) => control.perform("job.cancel", { run }));
  const text = state === "cancelled" ? `run ${run} was waiting, and is cancelled` : `run ${run} is told to end`;
  context.print.result({ run, state }, () => [text]);
  return EXIT.done;
}
