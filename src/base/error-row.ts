import type { RetryClass } from "./errors.js";

export interface ErrorRow {
  readonly retry: RetryClass;
  /** The command's exit code, where it is not 1. */
  readonly exit?: number;
  /** What it means, one sentence: the reference page is made of these. */
  readonly meaning: string;
  /** The next thing that a person can do. */
  readonly hint: string;
}

export function errorRow(retry: RetryClass, meaning: string, hint: string, exit?: number): ErrorRow {
  return exit === undefined ? { retry, meaning, hint } : { retry, meaning, hint, exit };
}
