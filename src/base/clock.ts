/** The only source of time. Everything that waits or asks for the hour is given a clock. */
export interface Clock {
  /** The wall clock, for people and for schedules. It may step. */
  now(): Date;
  /** Milliseconds that never go backwards, for durations and deadlines. */
  monotonic(): number;
  /** Resolves when the wall clock reaches `at` (steps and suspension are noticed within 15 s); rejects when `signal` aborts. */
  sleepUntil(at: Date, signal?: AbortSignal): Promise<void>;
  /** Calls `action` once after `ms` milliseconds, unless cancelled. `refresh` starts the wait anew. */
  timer(ms: number, action: () => void): Timer;
}

export interface Timer {
  refresh(): void;
  cancel(): void;
}

/** The longest single wait: a stepped clock or a suspended machine is noticed after at most this long. */
const LONGEST_WAIT_MS = 15_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  async sleepUntil(at, signal) {
    for (;;) {
      signal?.throwIfAborted();
      const left = at.getTime() - Date.now();
      if (left <= 0) return;
      await wait(Math.min(left, LONGEST_WAIT_MS), signal);
    }
  },
  timer(ms, action) {
    // Longer waits overflow the platform's timers, which then fire at once. Nothing that is refreshed waits so long.
    if (ms > LONGEST_TIMER_MS) return longTimer(ms, action);
    const handle = setTimeout(action, ms);
    return { refresh: () => void handle.refresh(), cancel: () => clearTimeout(handle) };
  },
};

function longTimer(ms: number, action: () => void): Timer {
  const controller = new AbortController();
  const begin = performance.now();
  const next = (): void => {
    const left = ms - (performance.now() - begin);
    const handle = setTimeout(left > LONGEST_TIMER_MS ? next : action, Math.min(left, LONGEST_TIMER_MS));
    controller.signal.addEventListener("abort", () => clearTimeout(handle), { once: true });
  };
  next();
  return { refresh: () => undefined, cancel: () => controller.abort() };
}

function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(handle);
      reject(signal?.reason);
    };
    const handle = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Resolves `ms` milliseconds from now on `clock`. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return clock.sleepUntil(new Date(clock.now().getTime() + ms), signal);
}

/** An instant as it is written everywhere: UTC, ISO 8601, milliseconds. */
export function iso(at: Date): string {
  return at.toISOString();
}
