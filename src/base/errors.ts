import { catalogue, type ErrorCode } from "./error-catalogue.js";
import type { ErrorRow } from "./error-row.js";

export type { ErrorCode } from "./error-catalogue.js";

/** What a failure means for trying again: see the retry classes of docs/architecture.md. */
export type RetryClass = "transient" | "permanent" | "doubt" | "closed";

export interface ErrorDetails {
  /** The foreign error, or the server's own words. */
  readonly cause?: unknown;
  /** What to change, where it is more precise than the catalogue's. */
  readonly hint?: string;
  /** The place: a file with line, a connection, a path. */
  readonly where?: string;
  /** The retry class, where a failure gathers others and theirs decides. */
  readonly retry?: RetryClass;
  /** It came before anything was asked for that changes something. */
  readonly nothingDone?: boolean;
}

/** A failure that an operator can act on. `message` names the thing and what happened to it, lower case, no full stop. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly code: ErrorCode;
  readonly hint: string;
  readonly where: string | undefined;
  readonly retry: RetryClass;
  readonly nothingDone: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.hint = details.hint ?? row(code).hint;
    this.where = details.where;
    this.retry = details.retry ?? row(code).retry;
    this.nothingDone = details.nothingDone ?? false;
  }

  get exitCode(): number {
    return row(this.code).exit ?? 1;
  }

  /** The server's or the system's own words. */
  get causeText(): string | undefined {
    return textOf(this.cause);
  }
}

/** A failure as it is stored and printed. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly cause: string | undefined;
  readonly hint: string;
}

export function toRecord(error: unknown): ErrorRecord {
  const known = asAgentError(error);
  return { code: known.code, message: known.message, cause: known.causeText, hint: known.hint };
}

export function fromRecord({ code, message, cause, hint }: ErrorRecord): AgentError {
  return new AgentError(code, message, { cause, hint });
}

/** Anything that is not an AgentError at the border is a bug: kept with its stack as the cause, never retried. */
export function asAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new AgentError("FERRY_BUG", `unexpected failure: ${text}`, {
    cause: error instanceof Error ? error.stack : error,
  });
}

/** The same failure, said to have come before anything was asked for that changes something. */
export function beforeAnything(error: unknown): AgentError {
  const { code, message, cause, hint, where, retry } = asAgentError(error);
  const place = where === undefined ? {} : { where };
  return new AgentError(code, message, { cause, hint, retry, ...place, nothingDone: true });
}

export function row(code: ErrorCode): ErrorRow {
  return catalogue[code];
}

/** Node's and SQLite's errors carry a code such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

function textOf(cause: unknown): string | undefined {
  if (cause === undefined || cause === null) return undefined;
  if (cause instanceof AgentError) return cause.causeText ?? cause.message;
  if (cause instanceof AggregateError) return cause.errors.map(textOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}
