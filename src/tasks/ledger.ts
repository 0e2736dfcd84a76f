import type { ErrorRecord } from "../base/errors.js";
import type { TaskFile } from "./files.js";

export type DeliveryState =
  | "planned"
  | "sending"
  | "sent"
  | "receiving"
  | "received"
  | "publishing"
  | "delivered"
  | "unverified"
  | "held"
  | "failed"
  | "skipped";

/** One occasion on which one file is to reach one target. */
export interface Delivery extends NewDelivery {
  readonly id: number;
  readonly runId: number;
  readonly task: string;
  readonly state: DeliveryState;
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
  readonly verifiedBy: string | undefined;
  readonly reply: string | undefined;
  readonly error: ErrorRecord | undefined;
  readonly deliveredAt: Date | undefined;
  /** When the source was deleted or moved, after the delivery. */
  readonly disposedAt: Date | undefined;
}

export interface NewDelivery {
  readonly connection: string;
  readonly direction: "upload" | "download";
  /** Absolute. */
  readonly localPath: string;
  readonly remotePath: string;
  /** The temporary's path on the writing side; the final one when published directly. */
  readonly temporaryPath: string;
  /** The source as it was planned: of an upload its TaskFile, of a download the remote's size and time. */
  readonly source: DeliverySource;
}

export type DeliverySource = (
  | { readonly file: TaskFile }
  | { readonly remote: { readonly size: number | undefined; readonly modifiedAt: string | undefined } }
) & {
  /** It failed after it had been begun under its final name: what stands there may be its beginning. */
  readonly begun?: boolean;
};

export interface DeliveryChange {
  readonly state: DeliveryState;
  readonly bytes?: number;
  readonly sha256?: string;
  readonly verifiedBy?: string;
  readonly reply?: string;
  /**
   * Set with `failed` and `held`, also the reason of `skipped`; cleared by a state that is not one of them. With the state
   * that a delivered row has already: FERRY_DISPOSAL_FAILED, until it is `disposed`.
   */
  readonly error?: ErrorRecord;
  /** A new temporary name, where the old one was given up. */
  readonly temporaryPath?: string;
  /** A target chosen late (`ifExists: rename`). */
  readonly remotePath?: string;
  readonly localPath?: string;
  readonly source?: DeliverySource;
}

/**
 * The ledger of one task of one run, including what the runs that it continues left. Every call is durable before it
 * resolves, and rejects with FERRY_STORAGE when it cannot be: then the effect must not happen.
 */
export interface Ledger {
  /** The deliveries of this task, by this run (also by earlier attempts) and by the interrupted runs that it continues. */
  ofTask(): Promise<readonly Delivery[]>;
  /** A new row in state `planned`. */
  plan(delivery: NewDelivery): Promise<Delivery>;
  /** A further state; one that cannot follow the present one is a bug. The state's start time is the clock's. */
  advance(id: number, change: DeliveryChange): Promise<Delivery>;
  /** The source is gone as the task asked: deleted, or moved to `to`. */
  disposed(id: number, to: string | undefined): Promise<void>;
}
