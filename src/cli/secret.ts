import type { Command } from "commander";
import { examples, type Start } from "./command.js";

/** `ferry secret …`: the vault. */
export function addSecret(program: Command, start: Start): void {
  const secret = program
    .command("secret")
    .description("passwords and other secrets, kept encrypted in the vault")
    .addHelpText("after", examples("ferry secret set bank"));
  secret
    .command("set")
    .description("store a secret, asked for on a terminal or read from stdin; never an argument")
    .argument("<name>", "its name; a connection's password has the connection's name")
    .addHelpText("after", examples("ferry secret set bank", "pass show partners/bank | ferry secret set bank"))
    .action(start(async (context, name: string) => (await import("./secret/set.js")).setSecret(context, name)));
  secret
    .command("list")
    .description("the names of the secrets, never their values")
    .addHelpText("after", examples("ferry secret list"))
    .action(start(async (context) => (await import("./secret/list.js")).listSecrets(context)));
  secret
    .command("remove")
    .description("forget a secret")
    .argument("<name>", "its name")
    .addHelpText("after", examples("ferry secret remove bank"))
    .action(start(async (context, name: string) => (await import("./secret/remove.js")).removeSecret(context, name)));
}
