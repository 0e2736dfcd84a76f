export type RunState =
  | "queued"
  | "running"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "timed-out"
  | "interrupted"
  | "skipped";

const FOLLOWERS: Readonly<Record<RunState, readonly RunState[]>> = {
  queued: ["running", "skipped", "cancelled"],
  running: ["succeeded", "failed", "cancelled", "timed-out", "interrupted"],
  succeeded: [],
  failed: [],
  cancelled: [],
  "timed-out": [],
  interrupted: [],
  skipped: [],
};

export function mayFollow(from: RunState, to: RunState): boolean {
  return FOLLOWERS[from].includes(to);
}

export function isFinal(state: RunState): boolean {
  return FOLLOWERS[state].length === 0;
}

export type TaskState =
  | "running"
  | "succeeded"
  | "warned"
  | "failed"
  | "skipped"
  | "cancelled"
  | "timed-out"
  | "interrupted";
