import { type AgentError, asAgentError } from "../base/errors.js";
import type { Job } from "../jobs/job.js";
import { hasFiles, type Running } from "./admission.js";
import type { QueuedRun } from "./ports.js";
import type { WorkerOptions } from "./worker.js";

/** The runs that are going on in this process. */
export interface Slots {
  begin(run: QueuedRun, job: Job): void;
  /** False when the run is not going on here. */
  cancel(run: number, reason: AgentError): boolean;
  has(run: number): boolean;
  running(): readonly Running[];
  allEnded(): Promise<void>;
}

interface Slot extends Running {
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

export function createSlots({ execute, log }: Pick<WorkerOptions, "execute" | "log">, freed: () => void): Slots {
  const slots = new Map<number, Slot>();
  return {
    begin(run, job) {
      const controller = new AbortController();
      const done = execute(run, job, controller.signal).catch((error: unknown) => {
        log("error", `run ${run.id} could not be brought to its end: ${asAgentError(error).message}`);
      });
      slots.set(run.id, { id: run.id, job: job.name, locks: job.locks, hasFiles: hasFiles(run), controller, done });
      void done.finally(() => {
        slots.delete(run.id);
        freed();
      });
    },
    cancel(run, reason) {
      const slot = slots.get(run);
      slot?.controller.abort(reason);
      return slot !== undefined;
    },
    has: (run) => slots.has(run),
    running: () => [...slots.values()].map(({ id, job, locks, hasFiles }) => ({ id, job, locks, hasFiles })),
    async allEnded() {
      await Promise.all([...slots.values()].map((slot) => slot.done));
    },
  };
}
