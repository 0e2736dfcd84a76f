import { AgentError, type ErrorCode } from "../../base/errors.js";
import { visible } from "../../base/names.js";

/** What a server answered instead of what was asked for. */
export interface Refusal {
  readonly code: number;
  /** `FAILURE Quota exceeded`: the name of the code and the server's own words. */
  readonly words: string;
}

/** SSH_FX_…: 0 to 8 are version 3 of the protocol, the others belong to later ones and are sent all the same. */
const NAMES: readonly string[] = [
  ...[
    "OK",
    "EOF",
    "NO_SUCH_FILE",
    "PERMISSION_DENIED",
    "FAILURE",
    "BAD_MESSAGE",
    "NO_CONNECTION",
    "CONNECTION_LOST",
    "OP_UNSUPPORTED",
  ],
  ...[
    "INVALID_HANDLE",
    "NO_SUCH_PATH",
    "FILE_ALREADY_EXISTS",
    "WRITE_PROTECT",
    "NO_MEDIA",
    "NO_SPACE_ON_FILESYSTEM",
    "QUOTA_EXCEEDED",
  ],
  ...["UNKNOWN_PRINCIPAL", "LOCK_CONFLICT", "DIR_NOT_EMPTY", "NOT_A_DIRECTORY", "INVALID_FILENAME", "LINK_LOOP"],
];

const CODES: Readonly<Record<number, ErrorCode>> = {
  2: "FERRY_REMOTE_NOT_FOUND",
  3: "FERRY_REMOTE_REFUSED",
  10: "FERRY_REMOTE_NOT_FOUND",
  11: "FERRY_TARGET_EXISTS",
  12: "FERRY_REMOTE_REFUSED",
  14: "FERRY_SERVER_DISK_FULL",
  15: "FERRY_SERVER_DISK_FULL",
};

/** A server may send a quarter of a megabyte. */
const LONGEST_WORDS = 1000;

export const EOF = 1;
const FAILURE = 4;

/** The refusal in ssh2's error; undefined when the error is not an answer of the server. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "number") return undefined;
  const name = NAMES[error.code] ?? `STATUS ${error.code}`;
  return { code: error.code, words: visible(`${name} ${error.message.slice(0, LONGEST_WORDS)}`.trim()) };
}

/** `what` is a verb with its object: `remove /in/orders.csv`. */
export function refused(refusal: Refusal, what: string, path: string): AgentError {
  const cause = new Error(refusal.words);
  const code = isFull(refusal) ? "FERRY_SERVER_DISK_FULL" : (CODES[refusal.code] ?? "FERRY_SERVER_REFUSED");
  if (code === "FERRY_REMOTE_NOT_FOUND") return new AgentError(code, `cannot ${what}: ${path} is not there`, { cause });
  if (code === "FERRY_REMOTE_REFUSED")
    return new AgentError(code, `cannot ${what}: the server denied the permission`, { cause });
  if (code === "FERRY_TARGET_EXISTS") return new AgentError(code, `cannot ${what}: it exists already`, { cause });
  if (code === "FERRY_SERVER_DISK_FULL")
    return new AgentError(code, `cannot ${what}: the server's disk or quota is full`, { cause });
  return new AgentError(code, `cannot ${what}: the server refused`, { cause });
}

/** Version 3 has no code for a full disk: most servers say FAILURE, and some say why. */
function isFull({ code, words }: Refusal): boolean {
  return code === FAILURE && /no space|disk (is )?full|quota|not enough space|out of space/i.test(words);
}
