/**
 * One open conversation with a server, the same on every protocol. Paths are absolute or relative to the connection's
 * `directory`, with `/` between. Every refusal is an AgentError:
 * a definite refusal by the server has the class `permanent` or `transient` *and* `definite: true` by its code
 * (FERRY_SERVER_…, FERRY_REMOTE_…); a missing reply is FERRY_CONNECTION_LOST, FERRY_REPLY_TIMEOUT or FERRY_COMPLETION_TIMEOUT.
 * After one of the latter the session is dead: `alive` is false and every call fails with FERRY_CONNECTION_LOST.
 */
export interface RemoteSession {
  /** The session's number within its run: `#1` in the transcript. */
  readonly number: number;
  readonly alive: boolean;
  readonly facts: SessionFacts;

  /** The path as the server knows it: absolute, whatever folder the session works in. */
  absolute(path: string): string;

  /** The entries of `directory`, without `.` and `..`. A line that cannot be read is an error, never dropped. */
  list(directory: string): Promise<readonly RemoteEntry[]>;

  /** The entry at `path`, or undefined when there is none. Refusal is an error, absence is not. */
  stat(path: string): Promise<RemoteEntry | undefined>;

  /** The size as the server tells it now, and how it was asked; undefined when this server has no way to tell. */
  size(path: string): Promise<VerifiedSize | undefined>;

  /**
   * Writes `source` to `path`, replacing what is there, in order, and resolves once the server has confirmed all of it.
   * Fails when the source fails. Nothing is retried here.
   */
  upload(source: AsyncIterable<Buffer>, path: string, options?: TransferOptions): Promise<TransferReceipt>;

  /** Reads `path` into `sink`, in order, and resolves once the server has said that it was all. */
  download(path: string, sink: ByteSink, options?: TransferOptions): Promise<TransferReceipt>;

  /**
   * Moves `from` to `to`. Fails with FERRY_TARGET_EXISTS when `to` exists, unless `replace`; then `to`'s old content survives until the new is there.
   * A failure that came before `from` could have been moved says so with `nothingDone`.
   */
  rename(from: string, to: string, options?: { readonly replace?: boolean }): Promise<Reply>;

  /** Removes the file at `path`. Absence is FERRY_REMOTE_NOT_FOUND. */
  remove(path: string): Promise<Reply>;

  /** Makes `path` and the folders above it. That they are there already is no error. */
  makeDirectory(path: string): Promise<void>;

  /** Removes the empty folder at `path`. */
  removeDirectory(path: string): Promise<void>;

  /** Sets the modification time. Absent when the server offers no way. */
  setModifiedAt?(path: string, time: Date): Promise<void>;

  /** Says good-bye and closes; never fails, and takes at most two seconds. */
  close(): Promise<void>;
}

export interface RemoteEntry {
  readonly name: string;
  readonly type: "file" | "directory" | "link" | "other";
  readonly size: number | undefined;
  readonly modifiedAt: Date | undefined;
}

/** The server's own words on success, as they are kept with the delivery: `250 Rename successful`, `RENAME OK`. */
export type Reply = string;

export interface VerifiedSize {
  readonly bytes: number;
  /** How the server was asked: `size` (SIZE, MLST, SFTP stat) or `size-list` (LIST of the file). */
  readonly by: "size" | "size-list";
}

export interface TransferOptions {
  /** The byte to begin at; 0 by default. */
  readonly from?: number;
  /** Called as bytes are handed to or taken from the network. */
  readonly onBytes?: (count: number) => void;
}

export interface TransferReceipt {
  readonly bytes: number;
  readonly reply: Reply;
}

/** Where downloaded bytes go; `write` resolves when further bytes are welcome. */
export interface ByteSink {
  write(chunk: Buffer): Promise<void>;
}

/** What was negotiated, for the view `sessions` and for `connection test`. */
export interface SessionFacts {
  readonly address: string;
  readonly tlsVersion: string | undefined;
  readonly cipher: string | undefined;
  /** True when every encrypted data channel resumed; undefined when none was opened or none is encrypted. */
  readonly resumed: boolean | undefined;
  readonly certificateSha256: string | undefined;
  readonly hostKeySha256: string | undefined;
  readonly features: readonly string[];
}
