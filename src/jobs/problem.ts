import type { ErrorCode } from "../base/errors.js";

/** A mistake in a definition as `ferry validate` prints it, so `null` where there is no hint. */
export interface Problem {
  /** Relative to the workspace, with `/`. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The key's path, `tasks[1].upload.connection`; "" for the file itself. */
  readonly path: string;
  readonly severity: "error" | "warning";
  readonly code: ErrorCode;
  /** What was found and what is allowed. */
  readonly message: string;
  readonly hint: string | null;
}

export type KeyPath = readonly (string | number)[];

/** A mistake that knows its key, and not yet its file and line. */
export interface Finding {
  readonly path: KeyPath;
  /** Where to point: at the value (by default), or at the key that holds it. */
  readonly at?: "value" | "key";
  /** Characters into the value's text, for a mistake within a template. */
  readonly offset?: number;
  readonly severity?: "error" | "warning";
  readonly code?: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  /** A key is missing here. */
  readonly missing?: boolean;
  /** The key that was probably meant by the one found here. */
  readonly instead?: KeyPath;
}

/** `tasks[1].upload.connection`; a key that would read wrong is quoted: `connections["a b"]`. */
export function writePath(path: KeyPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[\w$<-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

export function compareProblems(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
}
