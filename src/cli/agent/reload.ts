import type { AgentStatus } from "../../agent/operations.js";
import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { red, type Text } from "../text.js";
import { withControl } from "../workspace.js";

/** `ferry agent reload`; 2 when something is off, the good part being in force. */
export async function reloadAgent(context: CommandContext): Promise<number> {
  const { off } = await withControl(context, "agent", (control) => control.perform("agent.reload", {}));
  context.print.result({ ok: off.length === 0, off }, () => view(off));
  return off.length === 0 ? EXIT.done : EXIT.wrong;
}

function view(off: AgentStatus["off"]): Text[] {
  if (off.length === 0) return ["the definitions are in force"];
  return [
    [red("off"), ", until these are right; everything else is in force:"],
    ...off.map((each) => `  ${each.file}${each.job === null ? "" : ` (job ${each.job})`}: ${each.problem}`),
    "see ferry validate",
  ];
}
