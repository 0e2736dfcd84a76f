import { AgentError } from "./errors.js";

/** C0, DEL, C1, and the characters that turn or hide text on a terminal (bidi controls, line and paragraph separators). */
const DANGEROUS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const DANGEROUS_ALL = new RegExp(DANGEROUS.source, "g");

/** `text` with everything that could move a cursor or forge a line written visibly, as `\u{1b}`. For every output. */
export function visible(text: string): string {
  return text.replace(DANGEROUS_ALL, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);
}

/**
 * The one gate for a name that came from outside (a server's listing, a watched folder) before it touches a path.
 * Refuses separators, `.` and `..`, control characters, and empty names.
 */
export function safeFileName(name: string): string {
  if (name === "" || name === "." || name === ".." || /[/\\]/.test(name) || DANGEROUS.test(name)) {
    throw new AgentError("FERRY_NAME_REFUSED", `the name "${visible(name)}" is not accepted as a file name`);
  }
  return name;
}

/** A remote path before it reaches a command. Refuses control characters: a line end would become a second command. */
export function safeRemotePath(path: string): string {
  if (path === "" || DANGEROUS.test(path)) {
    throw new AgentError("FERRY_NAME_REFUSED", `the path "${visible(path)}" cannot be sent to a server`);
  }
  return path;
}

export function isSafeName(name: string): boolean {
  return name !== "" && !DANGEROUS.test(name);
}
