import type { Clock } from "../../base/clock.js";
import { AgentError } from "../../base/errors.js";

/** How long a wait may take, and what it is when it takes longer. */
export interface Deadline {
  readonly ms: number;
  expired(): AgentError;
}

/** Answers through a callback, as ssh2 does. */
export type Begin<T> = (done: (error: unknown, value: T) => void) => void;

/** Whether a connection lives, and what becomes of those who wait when it does not. Nothing that waits here can hang. */
export interface Lifeline {
  readonly alive: boolean;
  /** Destroys the connection. What waits fails with `reason`, and what is asked later with FERRY_CONNECTION_LOST. */
  cut(reason: AgentError): void;
  /** The outcome of `work`, but no later than the end of the connection; after it, nothing is begun. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** The answer to a request, within its deadline. An overdue answer cuts the connection. */
  answer<T>(begin: Begin<T>, deadline?: Deadline): Promise<T>;
}

export function createLifeline(clock: Clock, where: string, destroy: () => void): Lifeline {
  let ended: AgentError | undefined;
  const waiting = new Set<(reason: AgentError) => void>();
  const lifeline: Lifeline = {
    get alive() {
      return ended === undefined;
    },
    cut(reason) {
      if (ended) return;
      ended = reason;
      destroy();
      for (const fail of waiting) fail(reason);
      waiting.clear();
    },
    during: (work) =>
      lifeline.answer((done) => {
        work().then(
          (value) => done(undefined, value),
          (error: unknown) => done(error ?? new Error("failed without a reason"), undefined as never),
        );
      }),
    answer(begin, deadline) {
      if (ended)
        return Promise.reject(
          new AgentError("FERRY_CONNECTION_LOST", `the connection to ${where} has ended`, { cause: ended }),
        );
      return new Promise((resolve, reject) => {
        const timer = deadline && clock.timer(deadline.ms, () => lifeline.cut(deadline.expired()));
        const settle = (): void => {
          timer?.cancel();
          waiting.delete(fail);
        };
        const fail = (reason: unknown): void => {
          settle();
          reject(reason);
        };
        waiting.add(fail);
        try {
          begin((error, value) => {
            if (!waiting.has(fail)) return;
            if (error !== undefined && error !== null) return fail(error);
            settle();
            resolve(value);
          });
        } catch (error) {
          fail(error);
        }
      });
    },
  };
  return lifeline;
}
