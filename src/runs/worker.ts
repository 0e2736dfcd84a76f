import type { Clock } from "../base/clock.js";
import { AgentError, asAgentError } from "../base/errors.js";
import type { Job } from "../jobs/job.js";
import { admit, type Running } from "./admission.js";
import type { QueuedRun, RunQueue } from "./ports.js";
import { createSlots, type Slots } from "./slots.js";

export interface WorkerOptions {
  readonly queue: RunQueue;
  readonly clock: Clock;
  readonly concurrency: number;
  /** The job as it is in force; undefined while its file is broken or gone. */
  readonly job: (name: string) => Job | undefined;
  /** True for a run that this worker may take: a command works for its own runs only. */
  readonly mine: (run: QueuedRun) => boolean;
  /** Does the run, to its final state. */
  readonly execute: (run: QueuedRun, job: Job, signal: AbortSignal) => Promise<void>;
  readonly log: (level: "info" | "error", message: string) => void;
}

/** Takes runs out of the queue by the rules of overlap, and does them. */
export interface Worker {
  /** Something may have changed: looks at the queue. */
  wake(): void;
  /** Tells a running run to end; false when it is not running here. */
  cancel(run: number, reason: AgentError): boolean;
  running(): readonly Running[];
  /** Resolves when `run` is neither waiting nor running here. */
  ended(run: number): Promise<void>;
  /** No new run begins; resolves when those that run have ended. */
  drain(): Promise<void>;
}

/** How long to wait after the store could not be read or written. */
const STORAGE_PAUSE_MS = 2_000;

export function createWorker(options: WorkerOptions): Worker {
  const changed = new Set<() => void>();
  const tell = (): void => {
    for (const listener of [...changed]) listener();
  };
  const slots = createSlots(options, () => {
    tell();
    wake();
  });
  let draining = false;
  let looking = false;
  let again = false;
  let looked: Promise<void> = Promise.resolve();

  function wake(): void {
    again = true;
    if (looking || draining) return;
    looking = true;
    looked = lookWhileChanging().finally(() => {
      looking = false;
      // Asked for between the end of the look and here.
      if (again) wake();
      tell();
    });
  }

  async function lookWhileChanging(): Promise<void> {
    while (again && !draining) {
      again = false;
      try {
        await look(options, slots, () => !draining);
      } catch (error) {
        options.log("error", `the queue could not be worked off: ${asAgentError(error).message}`);
        options.clock.timer(STORAGE_PAUSE_MS, wake);
      }
    }
  }

  /** Answered only between two looks: a run that is being taken is neither waiting nor running for a moment. */
  async function hasEnded(run: number): Promise<boolean> {
    if (looking || slots.has(run)) return false;
    const waiting = await options.queue.waiting();
    return !slots.has(run) && !waiting.some((other) => other.id === run);
  }

  return {
    wake,
    cancel: slots.cancel,
    running: slots.running,
    ended: (run) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          hasEnded(run).then((ended) => {
            if (!ended) return;
            changed.delete(check);
            resolve();
          }, reject);
        };
        changed.add(check);
        check();
      }),
    async drain() {
      draining = true;
      // What it had begun before is running in the record: it must run.
      await looked;
      await slots.allEnded();
    },
  };
}

/** Goes through the queue once, oldest first, and does what the rules say of each waiting run, while it may. */
async function look(
  { queue, clock, concurrency, job: jobOf, mine }: WorkerOptions,
  slots: Slots,
  mayGoOn: () => boolean,
): Promise<void> {
  const waiting: QueuedRun[] = [];
  for (const run of await queue.waiting()) {
    if (!mayGoOn()) return;
    if (!mine(run)) continue;
    const job = jobOf(run.job);
    const verdict = job && admit(run, job, { now: clock.now(), concurrency, running: slots.running(), waiting });
    if (job && verdict?.do === "start") {
      if (await queue.start(run.id, job.hash)) slots.begin(run, job);
    } else if (verdict?.do === "skip") {
      await queue.drop(run.id, "skipped", verdict.reason);
    } else {
      waiting.push(run);
      const replaced = verdict?.do === "replace" ? verdict.runs : [];
      for (const id of replaced) slots.cancel(id, new AgentError("FERRY_CANCELLED", `replaced by run ${run.id}`));
    }
  }
}
