import { AgentError, type ErrorCode, systemCode } from "../../base/errors.js";
import { ForeignFailure } from "./life.js";

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "FERRY_REMOTE_NOT_FOUND",
  ENOTDIR: "FERRY_REMOTE_NOT_FOUND",
  EACCES: "FERRY_REMOTE_REFUSED",
  EPERM: "FERRY_REMOTE_REFUSED",
  EROFS: "FERRY_REMOTE_REFUSED",
  ENOSPC: "FERRY_SERVER_DISK_FULL",
  EDQUOT: "FERRY_SERVER_DISK_FULL",
  EEXIST: "FERRY_TARGET_EXISTS",
  ELOOP: "FERRY_NOT_A_FILE",
};

export async function telling<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw localFailure(error, what);
  }
}

/** What the system said, as if a server had said it: the folder is the other side. `what` is a verb with its object. */
function localFailure(error: unknown, what: string): unknown {
  if (error instanceof ForeignFailure) return error.reason;
  const code = systemCode(error);
  if (error instanceof AgentError || code === undefined) return error;
  return new AgentError(
    CODES[code] ?? "FERRY_SERVER_REFUSED",
    `cannot ${what}: ${WORDS[code] ?? `the system refused (${code})`}`,
    { cause: error },
  );
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "it is not there",
  ENOTDIR: "it is not there",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  EEXIST: "it exists already",
  ELOOP: "it is a link, and links are not followed",
  ENOTEMPTY: "it is not empty",
};
