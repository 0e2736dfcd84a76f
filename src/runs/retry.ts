import type { AgentError } from "../base/errors.js";
import type { RetryPolicy } from "../jobs/job.js";

/**
 * Milliseconds until the next try of a task, or undefined when there is none: only what may pass is tried again, and
 * `attempts` counts all tries. `jitter` (0 to 1) spreads the tries of many runs after a server came back.
 */
export function nextTry(policy: RetryPolicy, attempt: number, error: AgentError, jitter: number): number | undefined {
  if (error.retry !== "transient" || attempt >= policy.attempts) return undefined;
  const base = policy.backoff === "fixed" ? policy.delayMs : policy.delayMs * 2 ** (attempt - 1);
  return Math.round(Math.min(base, policy.maximumMs) * (0.75 + 0.25 * jitter));
}
