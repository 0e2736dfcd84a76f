import type { CommandContext } from "../command.js";
import { locate } from "../workspace.js";

/** `ferry agent`: in the foreground until it is told to end, 130 when that was Ctrl-C; its log goes to stderr. */
export async function startAgent(context: CommandContext, strict: boolean): Promise<number> {
  const paths = locate(context);
  const { runAgent } = await import("../../agent.js");
  context.io.leaveSignals();
  return runAgent(paths.root, { strict });
}
