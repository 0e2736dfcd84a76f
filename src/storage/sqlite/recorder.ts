import type { RunEvent, RunRecorder } from "../../runs/ports.js";
import { closeOpen } from "./deliveries.js";
import { selectSummary } from "./delivery-rows.js";
import { appendAudit, appendEvent } from "./events.js";
import { inheritance } from "./inheritance.js";
import { maskError, maskResult } from "./masking.js";
import { finishRun } from "./run-rows.js";
import { closeSession, closeSessions, openSession } from "./session-rows.js";
import type { Store } from "./store.js";
import { finishTask, interruptTasks, startTask } from "./task-rows.js";

export function createRecorder(store: Store): RunRecorder {
  return {
    async record(event) {
      store.write((at) => append(store, at, event));
      if (event.type === "run-finished") store.forget(event.run);
    },
    async recordEnd({ run, task, error }, end) {
      const event = store.write((at) => {
        const closed = closeOpen(store, at, run, maskError(store.mask, error), task);
        const ended = end(closed, selectSummary(store.db, run));
        append(store, at, ended);
        return ended;
      });
      if (event.type === "run-finished") store.forget(event.run);
      return event;
    },
    line: (line) => store.line(line),
    flush: async () => store.write(() => {}),
    inheritance: async (run) => store.read(() => inheritance(store.db, run)),
  };
}

function append(store: Store, at: string, event: RunEvent): void {
  const told = masked(store, event);
  project(store, at, told);
  if (told.type !== "audit") appendEvent(store.db, at, told.type, told.run, told);
}

/** The event as it may be kept: every text that a person, a server or a program said is without secrets. */
function masked(store: Store, event: RunEvent): RunEvent {
  const { mask } = store;
  switch (event.type) {
    case "run-finished":
      return {
        ...event,
        ...(event.reason === undefined ? {} : { reason: mask(event.reason) }),
        ...(event.error === undefined ? {} : { error: maskError(mask, event.error) }),
      };
    case "task-finished":
      return {
        ...event,
        ...(event.error === undefined ? {} : { error: maskError(mask, event.error) }),
        ...(event.result === undefined ? {} : { result: maskResult(mask, event.result) }),
      };
    case "audit":
      return { ...event, subject: mask(event.subject), detail: mask(event.detail) };
    default:
      return event;
  }
}

function project({ db }: Store, at: string, event: RunEvent): void {
  switch (event.type) {
    case "run-finished":
      finishRun(db, at, event.run, event);
      if (event.error) interruptTasks(db, at, event.run, event.error);
      closeSessions(db, at, event.run);
      break;
    case "task-started":
      startTask(db, at, event.run, event.task, event.kind, event.attempt);
      break;
    case "task-finished": {
      const { state, attempts, error, result } = event;
      finishTask(db, at, event.run, event.task, event.kind, { state, attempts, error, result });
      break;
    }
    case "session-opened":
      openSession(db, at, event.run, event.session, event.connection);
      break;
    case "session-closed":
      closeSession(db, at, event.run, event.session, event.facts);
      break;
    case "audit":
      appendAudit(db, at, event);
      break;
    default:
      event satisfies never;
  }
}
