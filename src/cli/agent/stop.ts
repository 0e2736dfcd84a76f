import { sleep } from "../../base/clock.js";
import { AgentError } from "../../base/errors.js";
import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { withControl } from "../workspace.js";

const POLL_MS = 200;
/** Longer than the agent gives the runs that are going on. */
const LONGEST_MS = 120_000;

/** `ferry agent stop`: done when the process has ended. */
export async function stopAgent(context: CommandContext): Promise<number> {
  const { pid, running } = await withControl(context, "agent", async (control) => {
    const status = await control.perform("agent.status", {});
    await control.perform("agent.stop", {});
    return { pid: status.pid, running: status.running.length };
  });
  if (running > 0) context.print.note(`waiting for ${running} running: they are brought to a safe point`);
  await untilGone(context, pid);
  context.print.result({ stopped: true, pid }, () => [`the agent (process ${pid}) has ended`]);
  return EXIT.done;
}

async function untilGone(context: CommandContext, pid: number): Promise<void> {
  const { clock } = context.io;
  const until = clock.monotonic() + LONGEST_MS;
  while (lives(pid)) {
    if (clock.monotonic() > until)
      throw new AgentError("FERRY_AGENT_REFUSED", `the agent (process ${pid}) was told to end, and still runs`);
    await sleep(clock, POLL_MS);
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
