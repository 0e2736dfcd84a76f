import type { CommandContext } from "../command.js";
import { withoutSecrets, yamlLines } from "../definition-text.js";
import { EXIT } from "../io.js";
import { dim } from "../text.js";
import { connectionOf, locate, readDefinitions } from "../workspace.js";

/** `ferry connection show NAME`: the definition with its defaults. */
export async function showConnection(context: CommandContext, name: string): Promise<number> {
  const definitions = await readDefinitions(context, locate(context));
  const connection = { name, ...withoutSecrets(connectionOf(definitions, name)) };
  context.print.result({ connection }, () => [
    dim("# durations in milliseconds, sizes in bytes"),
    ...yamlLines({ connections: { [name]: withoutName(connection) } }),
  ]);
  return EXIT.done;
}

function withoutName({ name: _, ...definition }: { readonly name: string }): object {
  return definition;
}
