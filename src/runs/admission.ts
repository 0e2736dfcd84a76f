import type { Job } from "../jobs/job.js";
import type { QueuedRun } from "./ports.js";

/** What becomes of a waiting run now. */
export type Verdict =
  | { readonly do: "start" }
  | { readonly do: "wait"; readonly for: string }
  | { readonly do: "skip"; readonly reason: string }
  | { readonly do: "replace"; readonly runs: readonly number[] };

export interface Running {
  readonly id: number;
  readonly job: string;
  readonly locks: readonly string[];
  /** Whether it works on files of a trigger, which nothing else will send. */
  readonly hasFiles: boolean;
}

export interface Situation {
  readonly now: Date;
  readonly concurrency: number;
  readonly running: readonly Running[];
  /** The runs before this one in the queue that have to wait. */
  readonly waiting: readonly QueuedRun[];
}

/** A firing that is booked so long after its instant was missed, and runs on purpose beside the others. */
const CATCH_UP_MS = 60_000;

/**
 * The rules of overlap, locks and concurrency for the next waiting run, oldest first. A run waits behind an older one
 * of its job, so that files arrive in the order in which they came. A run with files is neither skipped nor replaced, and
 * replaces none: its files count as taken, and would be lost.
 */
export function admit(run: QueuedRun, job: Job, situation: Situation): Verdict {
  if (run.usefulUntil && situation.now > run.usefulUntil) {
    return { do: "skip", reason: `late: it was useful until ${run.usefulUntil.toISOString()}` };
  }
  const own = situation.running.filter((other) => other.job === job.name);
  const older = situation.waiting.find((other) => other.job === job.name);
  if (job.overlap === "skip" && own[0] && !isContinuation(run) && !hasFiles(run))
    return { do: "skip", reason: `overlap: run ${own[0].id} is still running` };
  if (job.overlap !== "parallel") {
    const same = situation.waiting.find((other) => other.triggerId === run.triggerId && other.job === run.job);
    if (same && isTimed(run))
      return { do: "skip", reason: `coalesced: run ${same.id} of the same trigger is still waiting` };
    if (older) return { do: "wait", for: `run ${older.id}` };
    const mayReplace = job.overlap === "replace" && !hasFiles(run) && !own.some((other) => other.hasFiles);
    if (own[0] && mayReplace) return { do: "replace", runs: own.map((other) => other.id) };
    if (own[0]) return { do: "wait", for: `run ${own[0].id}` };
  }
  const locked = situation.running.find((other) => other.locks.some((lock) => job.locks.includes(lock)));
  if (locked) return { do: "wait", for: `a lock that run ${locked.id} holds` };
  if (situation.running.length >= situation.concurrency) return { do: "wait", for: "a free place (`concurrency`)" };
  return { do: "start" };
}

/** Whether files of a trigger would be lost with the run. */
export function hasFiles(run: QueuedRun): boolean {
  return run.files !== undefined && run.files.length > 0;
}

function isContinuation(run: QueuedRun): boolean {
  return run.continues !== undefined;
}

function isTimed(run: QueuedRun): boolean {
  if (run.files || run.trigger === "manual" || isContinuation(run) || !run.scheduledAt) return false;
  return run.queuedAt.getTime() - run.scheduledAt.getTime() < CATCH_UP_MS;
}
