import pc from "picocolors";
import type { AgentError } from "../base/errors.js";
import { errorLines } from "./error-text.js";
import type { Io, Screen } from "./io.js";
import { columns, dim, plain, render, shorten, type Text, yellow } from "./text.js";

/** The options that every command takes. */
export interface PrintOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}

/** The only place that prints. Results go to stdout; notes, warnings, progress and errors to stderr. */
export interface Printer {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** The terminal's width; undefined where stdout is no terminal, and nothing is to be shortened. */
  readonly width: number | undefined;
  /** With --json the document, else the lines that `view` makes of it. One document a command. */
  result<Document>(document: Document, view: (document: Document) => readonly Text[]): void;
  /** One of many: a JSON line, or the text that `view` makes of it. */
  row<Row>(row: Row, view: (row: Row) => Text): void;
  /** What happened, where a person may want to know and a script does not. Silenced by --quiet. */
  note(text: Text): void;
  /** Only with --verbose. */
  detail(text: Text): void;
  warn(text: Text): void;
  /** The failure on stderr; with --json also as a document, where none was printed yet. */
  error(error: AgentError): void;
  /** A line on stderr that replaces itself; nothing where stderr is no terminal. An empty one takes it away. */
  progress(text: Text): void;
  /** A line on stderr that a person needs in any case. */
  tell(text: Text): void;
  /** A question on stderr, that the answer follows on the same line. */
  ask(question: Text): void;
  /** True when nobody reads the output any more. */
  closed(): boolean;
}

export function createPrinter(io: Pick<Io, "stdout" | "stderr" | "env">, options: PrintOptions): Printer {
  const out = screenWriter(io.stdout, io.env, options);
  const err = screenWriter(io.stderr, io.env, options);
  let printed = false;
  let progressShown = false;
  const clearProgress = (): void => {
    if (progressShown) io.stderr.write("\r\u001b[K");
    progressShown = false;
  };
  const tell = (text: Text): void => {
    clearProgress();
    err(text);
  };
  return {
    json: options.json,
    quiet: options.quiet,
    verbose: options.verbose,
    width: io.stdout.isTTY ? (io.stdout.columns ?? 80) : undefined,
    result(document, view) {
      clearProgress();
      printed = true;
      if (options.json) io.stdout.write(`${toJson(document, 2)}\n`);
      else for (const line of view(document)) out(line);
    },
    row(row, view) {
      clearProgress();
      printed = true;
      if (options.json) io.stdout.write(`${toJson(row)}\n`);
      else out(view(row));
    },
    tell,
    note: (text) => (options.quiet ? undefined : tell(text)),
    detail: (text) => (options.verbose ? tell(dim(text)) : undefined),
    warn: (text) => tell([yellow("warning: "), text]),
    error(error) {
      for (const line of errorLines(error)) tell(line);
      if (options.json && !printed) io.stdout.write(`${toJson({ error: errorDocument(error) }, 2)}\n`);
      printed = true;
    },
    progress(text) {
      if (!io.stderr.isTTY || options.quiet || options.json) return;
      clearProgress();
      if (plain(text) === "") return;
      io.stderr.write(
        render(fitted(text, io.stderr.columns ?? 80), pc.createColors(hasColor(io.stderr, io.env, options))),
      );
      progressShown = true;
    },
    ask(question) {
      clearProgress();
      io.stderr.write(render(question, pc.createColors(hasColor(io.stderr, io.env, options))));
    },
    closed: () => io.stdout.closed,
  };
}

/** Where commander writes the help that it lays out itself. */
export function helpWriters(io: Pick<Io, "stdout" | "stderr">) {
  return {
    writeOut: (text: string): void => io.stdout.write(text),
    writeErr: (text: string): void => io.stderr.write(text),
  };
}

function screenWriter(screen: Screen, env: Io["env"], options: PrintOptions): (text: Text) => void {
  const colors = pc.createColors(hasColor(screen, env, options));
  return (text) => screen.write(`${render(text, colors)}\n`);
}

/** https://no-color.org: any value that is not empty switches colours off. */
function hasColor(screen: Screen, env: Io["env"], options: PrintOptions): boolean {
  return options.color && screen.isTTY && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}

/** A progress line that wrapped could not be taken back. */
function fitted(text: Text, width: number): Text {
  const letters = plain(text);
  return columns(letters) < width ? text : shorten(letters, width - 1, "start");
}

function errorDocument(error: AgentError): Record<string, string | null> {
  return {
    code: error.code,
    message: error.message,
    cause: error.causeText ?? null,
    hint: error.hint,
    where: error.where ?? null,
  };
}

/** JSON escapes control characters below 0x20 by itself; the others that a terminal obeys are escaped here. */
function toJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, undefined, indent);
  return json.replace(/[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
