import { resolve } from "node:path";
import { createAlarm } from "./alarm.js";
import type { TriggerContext } from "./trigger.js";
import { createHints, noHints } from "./watch-hints.js";
import { createLook } from "./watch-look.js";
import type { WatchOptions } from "./watch-schema.js";

/** Events come in swarms: one look serves them all. */
const DEBOUNCE_MS = 100;
/** After a look, this many times as long without one, however much happens: a share of the time, not all of it. */
const REST_PER_LOOK = 3;
/** A look that took so long was kept waiting rather than busy. */
const LONGEST_REST_MS = 5_000;

/** Looks at a folder until aborted: when a file may be ready, soon after something happened, and at every sweep. */
export async function watchFolder(options: WatchOptions, context: TriggerContext): Promise<void> {
  const { clock, signal } = context;
  const root = resolve(context.workspace, options.path);
  const alarm = createAlarm(clock);
  const rest = createAlarm(clock);
  const look = createLook(root, options, context);
  let lastEvent: Date | undefined;
  let warned = false;
  const hints = options.polling === false ? createHints(happened, failed) : noHints;
  try {
    while (!signal.aborted) {
      const began = clock.monotonic();
      const seen = await look();
      context.report({ ...seen.status, ...(lastEvent && { lastEvent }) });
      if (hints.arm(seen.folders)) alarm.ring();
      const ended = clock.monotonic();
      const tired = Math.min(REST_PER_LOOK * (ended - began), LONGEST_REST_MS);
      const rang = await alarm.wait(Math.max(seen.againMs, tired), signal);
      if (rang) await rest.wait(Math.max(DEBOUNCE_MS, ended + tired - clock.monotonic()), signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    hints.arm(new Map());
  }

  function happened(): void {
    lastEvent = clock.now();
    alarm.ring();
  }

  function failed(reason: string): void {
    if (!warned) context.log("warn", `${context.trigger}: no events from the system (${reason}); full listings go on`);
    warned = true;
  }
}
