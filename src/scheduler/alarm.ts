import type { Clock } from "../base/clock.js";

/** A wait that can be cut short. A ring while nobody waits ends the next wait at once. */
export interface Alarm {
  ring(): void;
  /** Resolves after `ms` (a day at most), on a ring, or when `signal` aborts; true when it rang. */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
}

/** Node's timers end at once when they are set for longer than 24 days. */
const LONGEST_MS = 86_400_000;

export function createAlarm(clock: Clock): Alarm {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = clock.timer(Math.min(ms, LONGEST_MS), resolve);
          wake = () => {
            timer.cancel();
            resolve();
          };
          signal.addEventListener("abort", wake, { once: true });
        });
        if (wake) signal.removeEventListener("abort", wake);
        wake = undefined;
      }
      const was = rung;
      rung = false;
      return was;
    },
  };
}
