/** What made a local file the same file: read with `stat`, kept as texts because they exceed what JSON numbers hold. */
export interface FileIdentity {
  readonly size: number;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
  readonly ino: string;
  readonly dev: string;
}

/** A local file that tasks hand to each other. It survives a restart as JSON. */
export interface TaskFile {
  /** Absolute. */
  readonly path: string;
  /** The folders below the first wildcard of the pattern that found it, with `/`; "" when it lay directly there. */
  readonly folder: string;
  readonly identity: FileIdentity;
  /** The files that the run began with, of which this one was made; itself when it was not made by the run. */
  readonly origins: readonly { readonly path: string; readonly identity: FileIdentity }[];
}
