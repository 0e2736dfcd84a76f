import { type Document, isNode, isScalar, Lexer, LineCounter, Parser, parseDocument, visit } from "yaml";
import type { Finding } from "./problem.js";
import { locate, type Place, placeOf } from "./yaml-place.js";

const LARGEST_FILE = 1024 * 1024;
const DEEPEST = 64;
/** How many nodes aliases may multiply to; a bomb of nine levels would have hundreds of millions. */
const MOST_ALIASES = 1000;
const REFUSED_KEYS = new Set(["__proto__", "constructor", "prototype"]);

const SYNTAX_WORDS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "the same key twice",
  NON_STRING_KEY: "a key must be a text",
  MULTIPLE_DOCS: "one file holds one definition, and here begins another (---)",
};
const SYNTAX_HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "indent with spaces",
  NON_STRING_KEY: "a text that begins with { needs quotes: '{{ … }}'",
};

/** A definition file as data, with the way back from a key to its line. */
export interface YamlFile {
  readonly data: unknown;
  /** Mistakes in the YAML itself; with an error among them there is no data. */
  readonly flaws: readonly PlacedFinding[];
  place(finding: Pick<Finding, "path" | "at" | "offset">): Place;
}

/** A finding that knows its offset in the file, because no key leads to it. */
export interface PlacedFinding extends Finding {
  readonly place: Place;
}

/** Reads a file of definitions. Refuses what is too large, too deep or multiplies itself before it costs anything. */
export function readYaml(text: string): YamlFile {
  const size = Buffer.byteLength(text);
  if (size > LARGEST_FILE)
    return refused(
      `the file has ${size} bytes, and at most 1 MiB is read`,
      "split it, or remove what is not a definition",
    );
  const deep = tooDeep(text);
  if (deep !== undefined) return refused(`nested more than ${DEEPEST} levels deep`, undefined, position(text, deep));
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    stringKeys: true,
    merge: true,
    prettyErrors: false,
    logLevel: "error",
  });
  const flaws = [...syntaxFlaws(document, lines), ...keyFlaws(document, lines)];
  const data = flaws.length === 0 ? toData(document, flaws) : undefined;
  return { data, flaws, place: (finding) => locate(document, lines, text, finding) };
}

function refused(message: string, hint?: string, place: Place = { line: 1, column: 1 }): YamlFile {
  const flaw: PlacedFinding = { path: [], message, hint, place };
  return { data: undefined, flaws: [flaw], place: () => place };
}

/** The offset at which the nesting exceeds what is read. The parser keeps its own stack, so depth cannot exhaust ours. */
function tooDeep(text: string): number | undefined {
  const parser = new Parser();
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme)) void _;
    if (parser.stack.length > 2 * DEEPEST) return offset;
    if (!/^[\u0002\u0018\u001f\ufeff]$/.test(lexeme)) offset += lexeme.length;
  }
  return undefined;
}

function position(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

function syntaxFlaws(document: Document.Parsed, lines: LineCounter): PlacedFinding[] {
  return [...document.errors, ...document.warnings].map((error) => {
    const message = SYNTAX_WORDS[error.code] ?? lowerFirst(error.message.replace(/\.$/, ""));
    const hint = SYNTAX_HINTS[error.code];
    return { path: [], message: `not readable as YAML: ${message}`, hint, place: placeOf(lines, error.pos[0]) };
  });
}

function keyFlaws(document: Document.Parsed, lines: LineCounter): PlacedFinding[] {
  const flaws: PlacedFinding[] = [];
  const anchors = anchorsOf(document);
  visit(document, {
    Alias(_, alias, ancestors) {
      const place = placeOf(lines, alias.range?.[0] ?? 0);
      if (ancestors.some((holder) => isNode(holder) && "anchor" in holder && holder.anchor === alias.source)) {
        flaws.push({ path: [], message: `the alias *${alias.source} would contain itself`, place });
      }
      if (anchors.has(alias.source)) return;
      const message = `the alias *${alias.source} has no anchor &${alias.source} before it`;
      flaws.push({ path: [], message, place, hint: "a text that begins with * needs quotes" });
    },
    Pair(_, pair) {
      const key = isScalar(pair.key) ? pair.key : undefined;
      if (key !== undefined && REFUSED_KEYS.has(String(key.value))) {
        flaws.push({
          path: [],
          message: `the key ${String(key.value)} is not accepted`,
          place: placeOf(lines, key.range?.[0] ?? 0),
        });
      }
    },
    Scalar(key, node) {
      if (key !== "key" && typeof node.value === "number" && !Number.isFinite(node.value)) {
        flaws.push({
          path: [],
          message: `${node.source ?? String(node.value)} is not a usable number`,
          place: placeOf(lines, node.range?.[0] ?? 0),
        });
      }
    },
  });
  return flaws;
}

function anchorsOf(document: Document.Parsed): ReadonlySet<string> {
  const anchors = new Set<string>();
  visit(document, {
    Value(_, node) {
      if (node.anchor !== undefined) anchors.add(node.anchor);
    },
  });
  return anchors;
}

function toData(document: Document.Parsed, flaws: PlacedFinding[]): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    // The library throws ReferenceError for aliases that multiply, and for one that stands before its anchor.
    if (!(error instanceof ReferenceError)) throw error;
    const early = error.message.startsWith("Unresolved alias");
    const message = early
      ? "an alias (*name) stands before its anchor (&name)"
      : "the aliases (*name) multiply to more than is read";
    flaws.push({ path: [], message, hint: early ? undefined : "write it out", place: { line: 1, column: 1 } });
    return undefined;
  }
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

/** A mapping, as opposed to a list, a text or nothing. */
export function isBlock(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
