import type { AcceptedIdentity } from "../connections/trust/store.js";
import type { RunRecord } from "../runs/history.js";

/** Everything that a command may ask of whoever holds the workspace: the agent through its socket, else this process. */
export interface OperationTable {
  /** Queues a manual run. Fails with FERRY_NOT_FOUND, FERRY_DEFINITION (the job is off), FERRY_USAGE (an undeclared variable). */
  "job.run": {
    readonly params: { readonly job: string; readonly vars: Readonly<Record<string, string>> };
    readonly result: { readonly run: number };
  };
  /** A waiting run is dropped at once, a running one told to end. FERRY_NOT_FOUND when there is none, FERRY_USAGE when it has ended. */
  "job.cancel": {
    readonly params: { readonly run: number };
    readonly result: { readonly state: "cancelled" | "cancelling" };
  };
  /** A person's decision on a held delivery. `run`: the one that sends it again or, where it is delivered, puts its source away. */
  "job.resolve": {
    readonly params: { readonly run: number; readonly file: string; readonly as: "delivered" | "resend" };
    readonly result: { readonly run: number | null };
  };
  "secret.set": {
    readonly params: { readonly name: string; readonly value: string };
    readonly result: Record<string, never>;
  };
  "secret.remove": { readonly params: { readonly name: string }; readonly result: Record<string, never> };
  /** Keeps what a person accepted. `kind` and `fingerprint` are what `inspectServer` showed. */
  "trust.accept": {
    readonly params: { readonly connection: string; readonly accepted: AcceptedIdentity };
    readonly result: Record<string, never>;
  };
  /** FERRY_NOT_FOUND when nothing was accepted for it. */
  "trust.forget": { readonly params: { readonly connection: string }; readonly result: Record<string, never> };
  "agent.status": { readonly params: Record<string, never>; readonly result: AgentStatus };
  /** Ends the agent: no new run begins, and what runs is brought to a safe point. */
  "agent.stop": { readonly params: Record<string, never>; readonly result: Record<string, never> };
  /** Reads the definitions again. */
  "agent.reload": { readonly params: Record<string, never>; readonly result: { readonly off: AgentStatus["off"] } };
}

export type OperationName = keyof OperationTable;

/** What `ferry agent status --json` prints, besides `up: true`. */
export interface AgentStatus {
  readonly up: true;
  readonly pid: number;
  readonly since: string;
  readonly jobs: number;
  readonly running: readonly RunRecord[];
  readonly queued: readonly RunRecord[];
  readonly off: readonly { readonly file: string; readonly job: string | null; readonly problem: string }[];
  readonly changed: readonly string[];
  readonly watchers: readonly {
    readonly job: string;
    readonly path: string;
    readonly state: "watching" | "missing" | "error";
    readonly lastEvent: string | null;
    readonly lastSweep: string | null;
    readonly pending: number;
    readonly error: string | null;
  }[];
}
