import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { withControl } from "../workspace.js";

/** `ferry trust remove NAME`: what was accepted for a connection counts no more. */
export async function removeTrust(context: CommandContext, connection: string): Promise<number> {
  await withControl(context, "either", (control) => control.perform("trust.forget", { connection }));
  context.print.result({ connection, removed: true }, () => [`nothing is accepted for ${connection} any more`]);
  return EXIT.done;
}
