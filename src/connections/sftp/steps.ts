import type { OpenContext, OpenStepName } from "../driver.js";

/** Tells each step of an opening as it ends, with the time since the one before. */
export interface Steps {
  /** Milliseconds that the step took. */
  done(name: OpenStepName, detail: string): number;
}

export function stepsOf({ clock, onStep }: Pick<OpenContext, "clock" | "onStep">): Steps {
  let before = clock.monotonic();
  return {
    done(name, detail) {
      const now = clock.monotonic();
      const durationMs = Math.round(now - before);
      before = now;
      onStep?.({ name, durationMs, detail });
      return durationMs;
    },
  };
}
