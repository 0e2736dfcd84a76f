import type { ErrorCode } from "../base/error-catalogue.js";

/** Something in a definition that does not stop it from being used, and that somebody should look at. */
export interface ConnectionWarning {
  readonly path: readonly string[];
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  /** It weakens what protects the connection: `policy: strict` makes it an error. */
  readonly security: boolean;
}
