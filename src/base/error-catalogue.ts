import type { ErrorRow } from "./error-row.js";
import { rowsHere } from "./error-rows-here.js";
import { rowsThere } from "./error-rows-there.js";

/** Every error that Ferry can give. A code is forever: scripts, retries and reports depend on it. */
const rows = { ...rowsHere, ...rowsThere };

export type ErrorCode = keyof typeof rows;
export const catalogue: Readonly<Record<ErrorCode, ErrorRow>> = rows;
