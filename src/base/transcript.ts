/** The three voices of a transcript line. */
export type Direction = "sent" | "received" | "note";
/** Where a line was seen. */
export type Channel = "control" | "data" | "ssh";

/**
 * What one session said and heard, line by line, as a person would type it by hand.
 * Drivers write it; secrets are masked behind it, so a driver passes lines as they are, except for the values that it
 * knows to be secret by position (`PASS ********`).
 */
export interface Transcript {
  sent(line: string, channel?: Channel): void;
  received(line: string, channel?: Channel): void;
  note(line: string, channel?: Channel): void;
}

export const silentTranscript: Transcript = { sent() {}, received() {}, note() {} };
