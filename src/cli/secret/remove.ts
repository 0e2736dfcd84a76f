import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { withControl } from "../workspace.js";

/** `ferry secret remove NAME`. */
export async function removeSecret(context: CommandContext, name: string): Promise<number> {
  await withControl(context, "either", (control) => control.perform("secret.remove", { name }));
  context.print.result({ name, removed: true }, () => [`the vault has no secret ${name} any more`]);
  return EXIT.done;
}
