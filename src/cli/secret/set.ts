import { AgentError } from "../../base/errors.js";
import { SHORTEST_MASKED_BY_VALUE } from "../../base/secret.js";
import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { askHidden, readAll } from "../prompt.js";
import { withControl } from "../workspace.js";

/** `ferry secret set NAME`: the value is asked for twice on a terminal, else read from stdin. */
export async function setSecret(context: CommandContext, name: string): Promise<number> {
  const value = context.io.stdin.isTTY ? await askTwice(context, name) : await readAll(context.io.stdin);
  if (value === "") throw new AgentError("FERRY_USAGE", `the secret ${name} is empty, and nothing was stored`);
  if (value.length < SHORTEST_MASKED_BY_VALUE) {
    context.print.warn(
      `shorter than ${SHORTEST_MASKED_BY_VALUE} characters: it is masked only where it is sent as a password, not where a server repeats it`,
    );
  }
  await withControl(context, "either", (control) => control.perform("secret.set", { name, value }));
  context.print.result({ name, stored: true }, () => [`stored the secret ${name}`]);
  return EXIT.done;
}

async function askTwice(context: CommandContext, name: string): Promise<string> {
  const value = await askHidden(context, `secret ${name}: `);
  const again = await askHidden(context, "once more: ");
  if (value !== again) throw new AgentError("FERRY_USAGE", "the two are not the same, and nothing was stored");
  return value;
}
