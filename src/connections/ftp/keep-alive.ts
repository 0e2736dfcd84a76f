import { isRefusal } from "./replies.js";
import type { Turns } from "./session.js";
import type { FtpState } from "./state.js";

export interface Awake {
  readonly stop: () => void;
}

/** NOOP whenever nothing was going on for `keepAlive`. Never during a transfer: its reply could be taken for the transfer's. */
export function keepAwake(state: FtpState, turns: Turns): Awake {
  const { definition, channel, clock, features } = state;
  if (definition.keepAlive === "off") return { stop() {} };
  const timer = clock.timer(definition.keepAlive, () => {
    if (turns.isFree && channel.alive) void turns.take(noop).catch(() => {});
    if (channel.alive && features.has("NOOP")) timer.refresh();
  });
  return { stop: timer.cancel };

  async function noop(): Promise<void> {
    if (!channel.alive || !features.has("NOOP")) return;
    const reply = await channel.ask("NOOP");
    if (isRefusal(reply)) features.remove("NOOP");
  }
}
