import type { Clock } from "../base/clock.js";
import { createAlarm } from "./alarm.js";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** What ran this long has recovered. */
const RECOVERED_MS = 60_000;

/** Runs `work` until `signal` aborts; when it fails or ends by itself, anew after a pause that grows while it keeps failing. */
export async function keepRunning(
  work: () => Promise<void>,
  failed: (reason: string) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const alarm = createAlarm(clock);
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const began = clock.monotonic();
    const reason = await outcome(work);
    if (signal.aborted) return;
    if (clock.monotonic() - began > RECOVERED_MS) pause = FIRST_PAUSE_MS;
    failed(reason);
    await alarm.wait(pause, signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

/** Also of work that throws before its first await. */
async function outcome(work: () => Promise<void>): Promise<string> {
  try {
    await work();
    return "it ended by itself";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
