import type { ErrorRecord } from "../base/errors.js";
import type { Channel, Direction } from "../base/transcript.js";
import type { FileIdentity } from "../tasks/files.js";
import type { DeliveryState } from "../tasks/ledger.js";
import type { RunState, TaskState } from "./run.js";

/** Reading the record: what the command line shows. Implemented over a read-only connection, while the agent writes. */
export interface RunHistory {
  runs(filter: RunFilter): Promise<readonly RunRecord[]>;
  run(id: number): Promise<RunRecord | undefined>;
  tasks(run: number): Promise<readonly TaskRecord[]>;
  transfers(run: number): Promise<readonly TransferRecord[]>;
  sessions(run: number): Promise<readonly SessionRecord[]>;
  /** Lines in the order in which they were said, after `after`, for following a run that goes on. */
  lines(filter: LineFilter): Promise<readonly LineRecord[]>;
  deliveries(filter: DeliveryFilter): Promise<readonly DeliveryRecord[]>;
  /** The newest run of each job. */
  lastRuns(): Promise<ReadonlyMap<string, RunRecord>>;
  /**
   * The runs whose work folder may be wanted yet: those that wait, go on, or have deliveries that are open or held, each as
   * the first run of its chain, in whose folder it works.
   */
  wantedWork(): Promise<ReadonlySet<number>>;
  /** How `job` delivered this version of a local file, or what was made of it. */
  arrivals(job: string, path: string, identity: FileIdentity): Promise<readonly Arrival[]>;
  close(): void;
}

export interface Arrival {
  /** A run that was to do the whole job, and succeeded. */
  readonly whole: boolean;
  /** Where the source was moved to afterwards. */
  readonly movedTo: string | null;
}

export interface RunFilter {
  readonly job?: string;
  readonly states?: readonly RunState[];
  readonly since?: Date;
  readonly until?: Date;
  readonly trigger?: string;
  readonly limit: number;
}

export interface LineFilter {
  readonly run: number;
  readonly session?: number;
  readonly task?: string;
  /** A `cursor` that an earlier line had. */
  readonly after?: number;
}

export interface DeliveryFilter {
  /** A glob over the base names and the paths, local and remote. */
  readonly glob?: string;
  readonly connection?: string;
  readonly since?: Date;
  readonly states?: readonly DeliveryState[];
  readonly sha256?: string;
  readonly run?: number;
  readonly limit: number;
}

/** Times are ISO 8601 UTC with milliseconds; absent is null: these records are what `--json` prints. */
export interface RunRecord {
  readonly id: number;
  readonly job: string;
  readonly state: RunState;
  readonly trigger: string;
  readonly scheduledAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly durationMs: number | null;
  readonly attempt: number;
  readonly files: number;
  readonly bytes: number;
  readonly late: boolean;
  readonly reason: string | null;
  readonly error: ErrorFields | null;
  /** The interrupted run that this one continues, and the one that continues this. */
  readonly continues: number | null;
  readonly continuedBy: number | null;
}

export interface ErrorFields {
  readonly code: ErrorRecord["code"];
  readonly message: string;
  readonly cause: string | null;
  readonly hint: string | null;
  readonly task: string | null;
}

export interface TaskRecord {
  readonly id: string;
  readonly kind: string;
  readonly state: TaskState;
  readonly attempts: number;
  readonly startedAt: string | null;
  readonly durationMs: number | null;
  readonly error: ErrorFields | null;
}

export interface TransferRecord {
  readonly task: string;
  readonly connection: string;
  readonly direction: "upload" | "download";
  readonly localPath: string;
  readonly remotePath: string;
  readonly temporaryPath: string;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly state: DeliveryState;
  readonly startedAt: string | null;
  readonly durationMs: number | null;
  readonly resumedFrom: number | null;
  readonly verifiedBy: string | null;
  readonly reply: string | null;
  readonly error: ErrorFields | null;
}

export interface SessionRecord {
  readonly session: number;
  readonly connection: string;
  readonly address: string | null;
  readonly tlsVersion: string | null;
  readonly cipher: string | null;
  readonly resumed: boolean | null;
  readonly certificateSha256: string | null;
  readonly hostKeySha256: string | null;
  readonly openedAt: string;
  readonly closedAt: string | null;
}

export interface LineRecord {
  readonly cursor: number;
  readonly at: string;
  readonly session: number;
  readonly channel: Channel;
  readonly direction: Direction;
  readonly text: string;
  readonly task: string | null;
}

export interface DeliveryRecord {
  readonly localPath: string;
  readonly remotePath: string;
  readonly connection: string;
  readonly job: string;
  readonly run: number;
  readonly task: string;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly state: DeliveryState;
  readonly plannedAt: string;
  readonly deliveredAt: string | null;
  readonly reply: string | null;
  readonly error: ErrorFields | null;
}
