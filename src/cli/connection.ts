import type { Command } from "commander";
import { examples, type Start } from "./command.js";

/** `ferry connection …`. */
export function addConnection(program: Command, start: Start): void {
  const connection = program
    .command("connection")
    .description("the servers that Ferry can reach")
    .addHelpText("after", examples("ferry connection list", "ferry connection test bank"));
  connection
    .command("list")
    .description("the connections that are defined")
    .addHelpText("after", examples("ferry connection list"))
    .action(start(async (context) => (await import("./connection/list.js")).listConnections(context)));
  connection
    .command("show")
    .description("a definition with its defaults filled in; secrets are not shown")
    .argument("<name>", "the connection")
    .addHelpText("after", examples("ferry connection show bank"))
    .action(
      start(async (context, name: string) => (await import("./connection/show.js")).showConnection(context, name)),
    );
  connection
    .command("test")
    .description("connect, log in and list; say how long each step took and what was negotiated")
    .argument("<name>", "the connection")
    .addHelpText("after", examples("ferry connection test bank", "ferry connection test bank --json | jq .diagnosis"))
    .action(
      start(async (context, name: string) => (await import("./connection/test.js")).testConnection(context, name)),
    );
  connection
    .command("trust")
    .description("show the server's certificate or host key, and accept it")
    .argument("<name>", "the connection")
    .option("--fingerprint <fp>", "accept exactly this one without asking: sha256:…, spki-sha256:… or SHA256:…")
    .addHelpText(
      "after",
      examples(
        "ferry connection trust bank",
        "ferry connection trust bank --fingerprint SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM",
      ),
    )
    .action(
      start(async (context, name: string, options: { fingerprint?: string }) =>
        (await import("./connection/trust.js")).trustConnection(context, name, options.fingerprint),
      ),
    );
}
