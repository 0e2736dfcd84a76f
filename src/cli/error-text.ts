import { red, type Text } from "./text.js";

/** `error[CODE]: what happened`, then where, cause and hint. */
export function errorLines(error: ErrorShown): readonly Text[] {
  return [
    [red(`error[${error.code}]`), ": ", error.message],
    ...field("where", error.where),
    ...field("cause", error.causeText),
    ...field("hint", error.hint),
  ];
}

export interface ErrorShown {
  readonly code: string;
  readonly message: string;
  readonly where?: string | null | undefined;
  readonly causeText?: string | null | undefined;
  readonly hint?: string | null | undefined;
}

/** A cause of several lines (a server's long reply, a stack) is indented, so that no line of it can pass for one of ours. */
function field(name: string, value: string | null | undefined): readonly Text[] {
  if (value === undefined || value === null || value === "") return [];
  const [first = "", ...more] = value.split(/\r?\n/);
  return [
    [`  ${name}: `, first],
    ...more.filter((line) => line.trim() !== "").map((line): Text => `         ${line.trim()}`),
  ];
}
