import { AgentError } from "../../base/errors.js";

/** Whether the session may still be used. */
export interface Life {
  readonly signal: AbortSignal;
  closed: boolean;
}

/** Fails when the session has been closed or given up. */
export function mustBeAlive(life: Life): void {
  if (life.closed || life.signal.aborted) throw ended(life);
}

/** What a source or a sink does, but no later than the end of the session; after it, nothing is begun. Its own failure is passed on as it is. */
export function during<T>(life: Life, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(ended(life));
    const settle = (): void => life.signal.removeEventListener("abort", abort);
    if (life.signal.aborted) return abort();
    life.signal.addEventListener("abort", abort, { once: true });
    work()
      .then(resolve, (error: unknown) => reject(new ForeignFailure(error)))
      .finally(settle);
  });
}

/** The failure of a source or a sink, on its way through the driver: not for the driver to explain. */
export class ForeignFailure {
  readonly reason: unknown;
  constructor(reason: unknown) {
    this.reason = reason;
  }
}

function ended(life: Life): AgentError {
  return new AgentError("FERRY_CONNECTION_LOST", "the session has ended", { cause: life.signal.reason });
}
