import type { Command } from "commander";
import { examples, type Start } from "./command.js";

/** `ferry trust …`: what a person accepted. */
export function addTrust(program: Command, start: Start): void {
  const trust = program
    .command("trust")
    .description("the certificates and host keys that a person accepted")
    .addHelpText("after", examples("ferry trust list"));
  trust
    .command("list")
    .description("what was accepted, for which server, and when")
    .addHelpText("after", examples("ferry trust list"))
    .action(start(async (context) => (await import("./trust/list.js")).listTrust(context)));
  trust
    .command("remove <connection>")
    .description("forget what was accepted for a connection")
    .addHelpText("after", examples("ferry trust remove bank"))
    .action(
      start(async (context, connection: string) =>
        (await import("./trust/remove.js")).removeTrust(context, connection),
      ),
    );
}
