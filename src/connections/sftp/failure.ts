import { AgentError, type ErrorCode, systemCode } from "../../base/errors.js";
import { type Handshake, noSshServer } from "./handshake.js";

/** How far the opening came. */
export type Stage = "handshake" | "login" | "subsystem" | "open";

/** ssh2 marks where an error comes from; `code` is a number for a server's DISCONNECT. */
interface LibraryError extends Error {
  readonly level?: string;
  readonly code?: unknown;
}

const TOO_MANY_CONNECTIONS = 12;

/** Says what an error of ssh2 means for the operator. */
export function sshFailure(error: Error, stage: Stage, where: string, handshake: Handshake): AgentError {
  if (handshake.refusal) return handshake.refusal;
  const { level, code } = error as LibraryError;
  const made = (errorCode: ErrorCode, message: string, hint?: string) =>
    new AgentError(errorCode, message, { cause: error, ...(hint && { hint }) });
  if (
    code === TOO_MANY_CONNECTIONS ||
    /too many (connections|sessions)|maxstartups/i.test(`${error.message} ${handshake.greeting}`)
  ) {
    return made("FERRY_TOO_MANY_CONNECTIONS", `${where} allows no further connection`);
  }
  if (level === "agent")
    return made(
      "FERRY_LOGIN_REFUSED",
      "the SSH agent cannot be used",
      "is it running, and does it have the key? see `ssh-add -l`",
    );
  if (level === "client-authentication" || (stage === "login" && /authentication/i.test(error.message))) {
    return made("FERRY_LOGIN_REFUSED", `${where} refused the login`);
  }
  if (stage === "handshake" && handshake.greeting !== undefined && !handshake.greeting.startsWith("SSH-"))
    return noSshServer(handshake.greeting);
  if (level === "handshake" && /no matching/i.test(error.message)) {
    return made(
      "FERRY_SSH_ALGORITHMS",
      `no SSH algorithm in common with ${where}`,
      `see \`algorithms\`: ${error.message.replace(/^Handshake failed: /, "")}`,
    );
  }
  if (stage === "subsystem")
    return made(
      "FERRY_SSH",
      `${where} does not open an SFTP session`,
      "the login works; ask the server's owner whether SFTP is allowed for this account",
    );
  const isNetwork =
    systemCode(error) !== undefined || level === "client-socket" || level === "client-timeout" || stage === "open";
  return isNetwork
    ? made("FERRY_CONNECTION_LOST", `lost the connection to ${where}`)
    : made("FERRY_SSH", `the SSH connection to ${where} failed`);
}
