import type { SchemaName } from "../../jobs/json-schema.js";
import type { CommandContext } from "../command.js";
import { SCHEMAS } from "../definitions.js";
import { EXIT } from "../io.js";

/** `ferry schema [connections|job|settings]`: one, or all three by name. It is JSON with and without --json. */
export async function schema(context: CommandContext, which: SchemaName | undefined): Promise<number> {
  const document = which === undefined ? await all() : await schemaOf(which);
  context.print.result(document, () => JSON.stringify(document, undefined, 2).split("\n"));
  return EXIT.done;
}

async function all(): Promise<Record<string, object>> {
  return Object.fromEntries(await Promise.all(SCHEMAS.map(async (name) => [name, await schemaOf(name)] as const)));
}

export async function schemaOf(name: SchemaName): Promise<object> {
  const [{ jsonSchema }, { connectionKinds }, { taskKinds }, { triggerKinds }] = await Promise.all([
    import("../../jobs/json-schema.js"),
    import("../../connections/registry.js"),
    import("../../tasks/registry.js"),
    import("../../scheduler/registry.js"),
  ]);
  return jsonSchema(name, { connections: connectionKinds, tasks: taskKinds, triggers: triggerKinds });
}
