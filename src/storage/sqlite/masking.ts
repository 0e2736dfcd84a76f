import { catalogue } from "../../base/error-catalogue.js";
import type { ErrorCode, ErrorRecord } from "../../base/errors.js";
import type { StoredResult } from "../../runs/ports.js";

type Mask = (text: string) => string;

export function maskError(mask: Mask, error: ErrorRecord): ErrorRecord {
  const cause = error.cause === undefined ? undefined : mask(error.cause);
  return { code: error.code, message: mask(error.message), cause, hint: mask(error.hint) };
}

export function maskResult(mask: Mask, result: StoredResult): StoredResult {
  return result.output === undefined ? result : { ...result, output: mask(result.output) };
}

/** The columns of an error, all NULL when there is none. */
export function errorColumns(error: ErrorRecord | undefined) {
  return { code: error?.code, error: error?.message, cause: error?.cause, hint: error?.hint };
}

export interface ErrorColumns {
  readonly error_code: ErrorCode | null;
  readonly error: string | null;
  readonly cause: string | null;
  readonly hint: string | null;
}

export function errorOf(row: ErrorColumns): ErrorRecord | undefined {
  if (row.error_code === null) return undefined;
  const hint = row.hint ?? catalogue[row.error_code].hint;
  return { code: row.error_code, message: row.error ?? "", cause: row.cause ?? undefined, hint };
}

export function holdsSecret(mask: Mask, text: string): boolean {
  return mask(text) !== text;
}
