import type { Clock } from "../../src/base/clock.js";

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Time passes: sleepers and timers come due one after the other, each at its own moment. */
  advance(ms: number): Promise<void>;
  /** The wall clock steps; no time passes. */
  set(now: Date | string): Promise<void>;
  /** How many sleep or wait for a timer. */
  waiting(): number;
}

interface Waiter {
  /** Milliseconds until it is due, at this moment. */
  left(): number;
  due(): void;
}

export function createFakeClock(start: Date | string): FakeClock {
  let wall = new Date(start).getTime();
  let passed = 0;
  const waiters = new Set<Waiter>();
  const next = (): Waiter | undefined => [...waiters].toSorted((a, b) => a.left() - b.left())[0];

  async function settle(until: number): Promise<void> {
    for (;;) {
      await flush();
      const first = next();
      const step = Math.max(0, first?.left() ?? Number.POSITIVE_INFINITY);
      if (first === undefined || passed + step > until) break;
      pass(step);
      waiters.delete(first);
      first.due();
    }
    pass(until - passed);
  }

  function pass(ms: number): void {
    passed += ms;
    wall += ms;
  }

  return {
    now: () => new Date(wall),
    monotonic: () => passed,
    sleepUntil(at, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        if (at.getTime() <= wall) return resolve();
        const waiter: Waiter = {
          left: () => at.getTime() - wall,
          due() {
            signal?.removeEventListener("abort", abort);
            resolve();
          },
        };
        const abort = (): void => {
          waiters.delete(waiter);
          reject(signal?.reason);
        };
        waiters.add(waiter);
        signal?.addEventListener("abort", abort, { once: true });
      });
    },
    timer(ms, action) {
      let at = passed + ms;
      const waiter: Waiter = { left: () => at - passed, due: action };
      waiters.add(waiter);
      return {
        refresh() {
          at = passed + ms;
          waiters.add(waiter);
        },
        cancel: () => void waiters.delete(waiter),
      };
    },
    advance: (ms) => settle(passed + ms),
    set(now) {
      wall = new Date(now).getTime();
      return settle(passed);
    },
    waiting: () => waiters.size,
  };
}

/** Lets everything run that waits for nothing but promises. */
async function flush(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
