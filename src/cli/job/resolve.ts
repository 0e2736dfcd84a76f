import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { withControl } from "../workspace.js";
import { followRun } from "./follow.js";

/** `ferry job resolve RUN FILE --as …`; a file that is sent again is waited for. */
export async function resolveDelivery(
  context: CommandContext,
  run: number,
  file: string,
  as: "delivered" | "resend",
): Promise<number> {
  return withControl(context, "either", async (control) => {
    const resolved = await control.perform("job.resolve", { run, file, as });
    if (resolved.run !== null) {
      context.print.note(`run ${resolved.run} sends ${file} again`);
      return followRun(context, control, resolved.run);
    }
    context.print.result({ run, file, as }, () => [
      `run ${run}: ${file} counts as delivered`,
      "its source was left where it is: put it away, unless a further firing is to send it",
    ]);
    return EXIT.done;
  });
}
