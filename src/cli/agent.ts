import type { Command } from "commander";
import { examples, type Start } from "./command.js";

/** `ferry agent`, and `agent status | stop | reload`. */
export function addAgent(program: Command, start: Start): void {
  const agent = program
    .command("agent")
    .description("watch the clock and the folders, and run the jobs, in the foreground")
    .option("--strict", "refuse to start when any definition is wrong")
    .addHelpText("after", examples("ferry agent --workspace billing", "ferry agent status"))
    .action(
      start(async (context, options: { strict?: true }) =>
        (await import("./agent/start.js")).startAgent(context, options.strict ?? false),
      ),
    );
  agent
    .command("status")
    .description("what the agent does now; exit code 3 where none is running")
    .addHelpText("after", examples("ferry agent status"))
    .action(start(async (context) => (await import("./agent/status.js")).agentStatus(context)));
  agent
    .command("stop")
    .description("end the agent, and wait until it has ended")
    .addHelpText("after", examples("ferry agent stop"))
    .action(start(async (context) => (await import("./agent/stop.js")).stopAgent(context)));
  agent
    .command("reload")
    .description("let the agent read the definitions again; exit code 2 when something is off")
    .addHelpText("after", examples("ferry validate && ferry agent reload"))
    .action(start(async (context) => (await import("./agent/reload.js")).reloadAgent(context)));
}
