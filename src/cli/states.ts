import type { RunRecord } from "../runs/history.js";
import type { RunState, TaskState } from "../runs/run.js";
import type { DeliveryState } from "../tasks/ledger.js";
import { cyan, dim, green, magenta, red, type Styled, yellow } from "./text.js";

/** Every state with its colour and mark. Green means that something provably happened. */

type Colour = (text: string) => Styled & { readonly text: string };
const colour =
  (style: (text: string) => Styled): Colour =>
  (text) => ({ ...style(text), text });

const RUNS: Readonly<Record<RunState, Colour>> = {
  queued: colour(cyan),
  running: colour(cyan),
  succeeded: colour(green),
  failed: colour(red),
  cancelled: colour(yellow),
  "timed-out": colour(red),
  interrupted: colour(magenta),
  skipped: colour(dim),
};

const TASKS: Readonly<Record<TaskState, { readonly mark: string; readonly colour: Colour }>> = {
  running: { mark: "…", colour: colour(cyan) },
  succeeded: { mark: "✓", colour: colour(green) },
  warned: { mark: "!", colour: colour(yellow) },
  failed: { mark: "✗", colour: colour(red) },
  skipped: { mark: "-", colour: colour(dim) },
  cancelled: { mark: "✗", colour: colour(yellow) },
  "timed-out": { mark: "✗", colour: colour(red) },
  interrupted: { mark: "✗", colour: colour(magenta) },
};

const DELIVERIES: Readonly<Record<DeliveryState, { readonly mark: string; readonly colour: Colour }>> = {
  planned: { mark: "…", colour: colour(cyan) },
  sending: { mark: "…", colour: colour(cyan) },
  sent: { mark: "…", colour: colour(cyan) },
  receiving: { mark: "…", colour: colour(cyan) },
  received: { mark: "…", colour: colour(cyan) },
  publishing: { mark: "…", colour: colour(cyan) },
  delivered: { mark: "✓", colour: colour(green) },
  unverified: { mark: "?", colour: colour(yellow) },
  held: { mark: "?", colour: colour(yellow) },
  failed: { mark: "✗", colour: colour(red) },
  skipped: { mark: "-", colour: colour(dim) },
};

export const RUN_STATES = Object.keys(RUNS) as readonly RunState[]; // a record's keys are its type's
export const DELIVERY_STATES = Object.keys(DELIVERIES) as readonly DeliveryState[];

/** A run that succeeded without moving anything is not green. */
export function runState(run: Pick<RunRecord, "state" | "files">): Styled & { readonly text: string } {
  return run.state === "succeeded" && run.files === 0 ? colour(dim)(run.state) : RUNS[run.state](run.state);
}

export function taskState(state: TaskState): { readonly mark: Styled; readonly word: Styled } {
  const { mark, colour } = TASKS[state];
  return { mark: colour(mark), word: colour(state) };
}

export function deliveryState(state: DeliveryState): {
  readonly mark: Styled;
  readonly word: Styled & { readonly text: string };
} {
  const { mark, colour } = DELIVERIES[state];
  return { mark: colour(mark), word: colour(state) };
}
