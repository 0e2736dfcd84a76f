import { AgentError, type ErrorCode, systemCode } from "../../base/errors.js";
import type { FtpReply } from "./replies.js";

const ABSENT =
  /no such (?:file|dir|path|folder)|not? (?:be )?found|does ?n[o']t exist|cannot find|can't find|no files found/i;
const FORBIDDEN =
  /permission|denied|not permitted|not allowed|prohibited|forbidden|no access|read-?only|unauthori[sz]ed/i;
const DISK_FULL = /disk (?:is )?full|no space|not enough (?:disk )?space|insufficient (?:disk |storage )?space|quota/i;
const TOO_MANY =
  /too many|maximum (?:number|allowed)|limit (?:of|reached|exceeded)|connection limit|max(?:imum)? (?:clients|connections|users)/i;
const TEMPORARY = /temporar|try again|later|busy/i;
const WANTS_TLS =
  /(?:must|have to) use (?:encryption|ssl|tls)|(?:ssl|tls|encryption)\S* (?:is )?required|requires? (?:ssl|tls|encryption)/i;

/** What the server's words say of the thing itself; undefined when they leave it open. */
export function meaningOf(reply: FtpReply): "absent" | "forbidden" | undefined {
  const absent = ABSENT.test(reply.message);
  const forbidden = FORBIDDEN.test(reply.message);
  if (absent === forbidden) return undefined;
  return absent ? "absent" : "forbidden";
}

/** A 4xx or 5xx as an error. `subject` is what was asked for: a path, or the command. */
export function refusal(reply: FtpReply, subject: string): AgentError {
  const [code, text] = judge(reply);
  return new AgentError(code, `${subject}: ${text}`, { cause: reply.message });
}

function judge(reply: FtpReply): readonly [ErrorCode, string] {
  const meaning = meaningOf(reply);
  if (reply.code === 421) return tooBusy(reply);
  if (reply.code === 452 || reply.code === 552 || DISK_FULL.test(reply.message)) {
    return ["FERRY_SERVER_DISK_FULL", "the server's disk or quota is full"];
  }
  if ([450, 550, 553].includes(reply.code) && meaning === "absent")
    return ["FERRY_REMOTE_NOT_FOUND", "no such file or folder"];
  if (reply.code >= 500 && meaning === "forbidden") return ["FERRY_REMOTE_REFUSED", "the server denied it"];
  return reply.code < 500
    ? ["FERRY_SERVER_BUSY", "the server refused for now"]
    : ["FERRY_SERVER_REFUSED", "the server refused"];
}

function tooBusy(reply: FtpReply): readonly [ErrorCode, string] {
  if (TOO_MANY.test(reply.message))
    return ["FERRY_TOO_MANY_CONNECTIONS", "the server allows no further connection now"];
  return ["FERRY_SERVER_BUSY", "the server ended the session"];
}

/** A refused greeting, USER, PASS or ACCT. Only a word about the credentials themselves counts as a refused login. */
export function loginRefusal(reply: FtpReply, host: string, step: "greeting" | "login"): AgentError {
  const cause = reply.message;
  const busy = reply.code === 421 || TOO_MANY.test(reply.message);
  if (busy) return new AgentError(tooBusy(reply)[0], `${host}: ${tooBusy(reply)[1]}`, { cause });
  if (WANTS_TLS.test(reply.message)) {
    const hint = "set `encryption.protocol: tls`";
    return new AgentError("FERRY_SERVER_REFUSED", `${host} takes no login without TLS`, { cause, hint });
  }
  const temporary = reply.code < 500 && (reply.code !== 430 || TEMPORARY.test(reply.message));
  if (temporary || (reply.code < 500 && step === "greeting")) {
    return new AgentError("FERRY_SERVER_BUSY", `${host} refused for now`, { cause });
  }
  if (TEMPORARY.test(reply.message))
    return new AgentError("FERRY_SERVER_BUSY", `${host} refused the login for now`, { cause });
  if (step === "greeting") return new AgentError("FERRY_SERVER_REFUSED", `${host} refused the connection`, { cause });
  return new AgentError("FERRY_LOGIN_REFUSED", `${host} refused the login`, { cause });
}

/** TCP could not be established. */
export function connectFailure(error: unknown, host: string, port: number): AgentError {
  const code = systemCode(error) ?? "";
  const details = { cause: error };
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return new AgentError("FERRY_ADDRESS_UNKNOWN", `${host}: the name could not be resolved`, details);
  }
  if (code === "ETIMEDOUT") return new AgentError("FERRY_CONNECT_TIMEOUT", `no connection to ${host}:${port}`, details);
  if (/^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES)$/.test(code)) {
    return new AgentError("FERRY_CONNECT_REFUSED", `${host}:${port} cannot be reached (${code})`, details);
  }
  return lost(error, `${host}:${port}`);
}

/** The connection broke, for whatever reason; TLS alerts that come late are told for what they are. */
export function lost(error: unknown, host: string): AgentError {
  if (error instanceof AgentError) return error;
  const alert = tlsAlert(error, host);
  // After the handshake, what is no alert is no TLS either: vsftpd writes its last words in clear when it breaks down.
  if (alert && alert.code !== "FERRY_TLS_HANDSHAKE") return alert;
  return new AgentError("FERRY_CONNECTION_LOST", `lost the connection to ${host}`, { cause: error });
}

/** A handshake that failed. */
export function tlsFailure(error: unknown, host: string, hint?: string): AgentError {
  if (error instanceof AgentError) return error;
  const details = hint === undefined ? { cause: error } : { cause: error, hint };
  const alert = tlsAlert(error, host);
  if (alert) return alert;
  // Without a word of TLS it was the network, or a server that said nothing: that may pass.
  return new AgentError("FERRY_CONNECTION_LOST", `${host}: the connection broke in the TLS handshake`, details);
}

function tlsAlert(error: unknown, host: string): AgentError | undefined {
  const code = systemCode(error) ?? "";
  const as = (row: ErrorCode, text: string): AgentError => new AgentError(row, `${host}: ${text}`, { cause: error });
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE|LEGACY_SIGALG/.test(code)) {
    return as("FERRY_TLS_VERSION", "no TLS version in common");
  }
  if (
    /CERTIFICATE_REQUIRED|ALERT_UNKNOWN_CA|ALERT_BAD_CERTIFICATE|ALERT_CERTIFICATE|UNSUPPORTED_CERTIFICATE/.test(code)
  ) {
    return as("FERRY_CLIENT_CERTIFICATE", "the server wants a client certificate, or does not accept ours");
  }
  if (/ALERT_HANDSHAKE_FAILURE|NO_CIPHER_MATCH|NO_SHARED_CIPHER|INSUFFICIENT_SECURITY/.test(code)) {
    return as("FERRY_TLS_CIPHER", "no cipher suite in common, or a client certificate is wanted");
  }
  return /^ERR_SSL_/.test(code) ? as("FERRY_TLS_HANDSHAKE", "the TLS handshake failed") : undefined;
}
