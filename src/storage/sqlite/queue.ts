import { catalogue } from "../../base/error-catalogue.js";
import { AgentError } from "../../base/errors.js";
import type { NewRun, RunQueue, TakenFiles } from "../../runs/ports.js";
import type { Firing, MarkUpdate, WatchedFile } from "../../scheduler/trigger.js";
import { closeOpen } from "./deliveries.js";
import { appendEvent } from "./events.js";
import { forgetVersion, handOver, isTaken, isUnfinished, moveMark, selectMark, takeVersion } from "./mark-rows.js";
import { holdsSecret } from "./masking.js";
import { addRun } from "./new-run.js";
import { left, recover } from "./recover.js";
import { finishRun, selectRun, selectRunsIn, startRun, toQueuedRun } from "./run-rows.js";
import type { Store } from "./store.js";

export function createQueue(store: Store): RunQueue {
  const { db } = store;
  return {
    async enqueue(run, taken) {
      refuseSecrets(store, run);
      return store.write((at) =>
        taken === undefined ? enqueue(store, at, run) : takeAndEnqueue(store, at, run, taken),
      );
    },
    async book(job, kind, triggerId, firings, mark) {
      if (firings.length === 0 && isNothing(mark) && selectMark(db, job, triggerId)) return [];
      return store.write((at) => bookFirings(store, at, { job, kind, triggerId }, firings, mark));
    },
    waiting: async () => store.read(() => selectRunsIn(db, "queued").map(toQueuedRun)),
    async start(id, definition) {
      return store.write((at) => {
        const started = startRun(db, at, id, definition);
        if (started) appendEvent(db, at, "run-started", id, { definition });
        return started;
      });
    },
    async drop(id, state, reason) {
      return store.write((at) => {
        if (selectRun(db, id)?.state !== "queued") return false;
        const told = store.mask(reason);
        finishRun(db, at, id, { state, reason: told });
        appendEvent(db, at, "run-dropped", id, { state, reason: told });
        const message = `run ${id} did not run: ${told}`;
        closeOpen(store, at, id, {
          code: "FERRY_CANCELLED",
          message,
          cause: undefined,
          hint: catalogue.FERRY_CANCELLED.hint,
        });
        return true;
      });
    },
    recover: async (mayContinue, only) => store.write((at) => recover(store, at, mayContinue, only)),
    left: async () => store.read(() => left(db)),
  };
}

function enqueue(store: Store, at: string, run: NewRun): number | undefined {
  const id = addRun(store, at, run, { state: "queued", reason: undefined, continuations: 0 });
  if (id !== undefined) for (const file of run.files ?? []) handOver(store.db, run.job, file, id);
  return id;
}

function takeAndEnqueue(store: Store, at: string, run: NewRun, taken: readonly TakenFiles[]): number | undefined {
  const { db } = store;
  const { job } = run;
  const free = taken.map(({ triggerId, files }) => ({
    triggerId,
    files: files.filter((file) => !isTaken(db, job, triggerId, file) || isUnfinished(db, job, triggerId, file.path)),
  }));
  const left = new Set(free.flatMap(({ files }) => files.map((file) => file.path)));
  const id = enqueue(store, at, { ...run, files: run.files?.filter((file) => left.has(file.path)) });
  if (id === undefined) return undefined;
  for (const { triggerId, files } of free) {
    if (files.length === 0) continue;
    moveMark(db, job, triggerId, undefined);
    takeFiles(store, at, { job, triggerId }, files, id);
  }
  return id;
}

interface TriggerName {
  readonly job: string;
  readonly kind: string;
  readonly triggerId: string;
}

function bookFirings(
  store: Store,
  at: string,
  trigger: TriggerName,
  firings: readonly Firing[],
  mark: MarkUpdate,
): number[] {
  moveMark(store.db, trigger.job, trigger.triggerId, mark.instant);
  // What was seen gone is forgotten first: the firings may bring the same path back.
  for (const path of mark.gone ?? []) forgetVersion(store.db, trigger.job, trigger.triggerId, path);
  const ids = firings.map((firing) => bookFiring(store, at, trigger, firing));
  markFiles(store, at, trigger, mark);
  return ids.filter((id) => id !== undefined);
}

function bookFiring(store: Store, at: string, trigger: TriggerName, firing: Firing): number | undefined {
  const { db } = store;
  const { job, kind, triggerId } = trigger;
  const files = firing.files?.filter((file) => !isTaken(db, job, triggerId, file));
  if (files?.length === 0) return undefined;
  const run: NewRun = {
    job,
    trigger: kind,
    triggerId,
    key: firing.key,
    scheduledAt: firing.dueAt,
    files,
    usefulUntil: firing.usefulUntil,
    vars: {},
    attempt: 1,
    continues: undefined,
    resend: undefined,
  };
  const state = firing.skip === undefined ? "queued" : "skipped";
  const id = addRun(store, at, run, { state, reason: firing.skip, continuations: 0 });
  if (id !== undefined && files !== undefined) takeFiles(store, at, trigger, files, id);
  return id;
}

function takeFiles(
  { db }: Store,
  at: string,
  { job, triggerId: trigger }: Pick<TriggerName, "job" | "triggerId">,
  files: readonly WatchedFile[],
  run: number,
): void {
  const event = appendEvent(db, at, "files-taken", run, { job, trigger, files });
  for (const file of files) takeVersion(db, { job, trigger, file, event, run });
}

function markFiles(store: Store, at: string, trigger: TriggerName, mark: MarkUpdate): void {
  const { db } = store;
  const { job, triggerId } = trigger;
  const { taken = [], gone = [] } = mark;
  if (taken.length === 0 && gone.length === 0) return;
  const event = appendEvent(db, at, "files-marked", undefined, { job, trigger: triggerId, taken, gone });
  for (const file of taken) takeVersion(db, { job, trigger: triggerId, file, event, run: undefined });
}

function isNothing(mark: MarkUpdate): boolean {
  return mark.instant === undefined && !mark.taken?.length && !mark.gone?.length;
}

/** A variable must be kept until the run begins, so one that holds a secret cannot be taken. */
function refuseSecrets(store: Store, run: NewRun): void {
  for (const [name, value] of Object.entries(run.vars)) {
    if (!holdsSecret(store.mask, value)) continue;
    const hint = 'name the secret in the job instead: {{ "NAME" | secret }}';
    throw new AgentError("FERRY_USAGE", `the variable ${name} holds a secret, which is not kept outside the vault`, {
      hint,
    });
  }
}
