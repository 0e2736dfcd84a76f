import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { withControl } from "../workspace.js";
import { followRun } from "./follow.js";

/** `ferry job resolve RUN FILE --as …`; what is then done with the file is waited for. */
export async function resolveDelivery(
  context: CommandContext,
  run: number,
  file: string,
  as: "delivered" | "resend",
): Promise<number> {
  return withControl(context, "either", async (control) => {
    const resolved = await control.perform("job.resolve", { run, file, as });
    if (resolved.run !== null) {
      const then = as === "resend" ? "sends it again" : "puts its source away, as it counts as delivered";
      context.print.note(`run ${run}: ${file}: run ${resolved.run} ${then}`);
      return followRun(context, control, resolved.run);
    }
    context.print.result({ run, file, as }, () => [
      `run ${run}: ${file} counts as delivered`,
      "its source stays where it is: put it away, unless a further firing is to send it",
    ]);
    return EXIT.done;
  });
}
