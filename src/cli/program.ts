import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addAgent } from "./agent.js";
import { examples, type Start } from "./command.js";
import { addConnection } from "./connection.js";
import { addDefinitions } from "./definitions.js";
import { addHistory } from "./history.js";
import type { Io } from "./io.js";
import { addJob } from "./job.js";
import { helpWriters } from "./print.js";
import { addSecret } from "./secret.js";
import { addTrust } from "./trust.js";

/** The whole command line. What a command does is loaded when it is called, so that help and version are there at once. */
export function buildProgram(io: Pick<Io, "stdout" | "stderr">, start: Start): Command {
  const program = new Command("ferry")
    .description("Moves files over FTP, FTPS and SFTP on schedule, and can prove it.")
    .option("-w, --workspace <dir>", "the workspace; by default FERRY_WORKSPACE, else the nearest folder above")
    .option("--json", "print one JSON document, and nothing else, to stdout")
    .option("--quiet", "no notes and no progress")
    .option("--verbose", "say more on stderr")
    .option("--no-color", "no colours")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    // What follows a command is its own: `history --since` and `history files --since` are different options.
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      ...helpWriters(io),
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getErrHelpWidth: () => io.stderr.columns ?? 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText(
      "after",
      examples("ferry init billing", "ferry connection test bank", "ferry job run nightly-extract", "ferry history"),
    );
  addDefinitions(program, start);
  addConnection(program, start);
  addTrust(program, start);
  addJob(program, start);
  addAgent(program, start);
  addHistory(program, start);
  addSecret(program, start);
  return program;
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { version: string }; // our own package.json
  return version;
}
