import { Argument, type Command } from "commander";
import type { SchemaName } from "../jobs/json-schema.js";
import { examples, type Start } from "./command.js";

export const SCHEMAS: readonly SchemaName[] = ["connections", "job", "settings"];

/** `ferry init`, `validate`, `schema`. */
export function addDefinitions(program: Command, start: Start): void {
  program
    .command("init")
    .description("make a workspace with commented examples")
    .argument("[dir]", "the folder, made where it is missing; by default the current one")
    .addHelpText("after", examples("ferry init billing"))
    .action(
      start(async (context, folder: string | undefined) =>
        (await import("./definitions/init.js")).init(context, folder),
      ),
    );
  program
    .command("validate")
    .description("check all definitions, references and templates, without network")
    .addHelpText("after", examples("ferry validate", "ferry validate --json | jq '.problems[].message'"))
    .action(start(async (context) => (await import("./definitions/validate.js")).validate(context)));
  program
    .command("schema")
    .description("print the JSON Schema of the definitions, for editors")
    .addArgument(new Argument("[which]", "of which file").choices(SCHEMAS))
    .addHelpText("after", examples("ferry schema job > job.schema.json"))
    .action(
      start(async (context, which?: SchemaName) => (await import("./definitions/schema.js")).schema(context, which)),
    );
}
