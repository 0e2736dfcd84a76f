import type { z } from "zod";
import { list } from "../base/nearest.js";

type Issue = z.core.$ZodIssue;

const TYPES: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a block of keys",
  record: "a block of keys",
  null: "nothing",
  undefined: "nothing",
};

/** What is allowed: `a text`, `one of rename or direct`. */
export function expectation(issue: Issue): string {
  // A wording of the schema's own goes before what the library knows.
  if (issue.message.startsWith("expected ")) return issue.message.replace(/^expected /, "").replace(/, found .*$/s, "");
  if (issue.code === "invalid_type") return TYPES[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") {
    const values = issue.values.map(String);
    return values.length === 1 ? (values[0] ?? "") : `one of ${list(values)}`;
  }
  if (issue.code === "invalid_union") return expectations(issue.errors.flat());
  return "another value";
}

/** What several branches allow together, each thing once. */
export function expectations(issues: readonly Issue[]): string {
  const atRoot = issues.filter((issue) => issue.path.length === 0);
  const custom = atRoot.filter((issue) => issue.message.startsWith("expected ") && issue.code !== "invalid_type");
  const values = atRoot.flatMap((issue) => (issue.code === "invalid_value" ? issue.values.map(String) : []));
  const types = atRoot
    .filter((issue) => !custom.includes(issue) && (issue.code === "invalid_type" || issue.code === "invalid_union"))
    .map(expectation);
  const all = [...new Set([...values, ...custom.map(expectation), ...types])];
  // A custom wording stands for the texts and numbers that it reads.
  const said =
    custom.length > 0
      ? all.filter((text) => text !== "a text" && text !== "a number" && text !== "a text or a number")
      : all;
  return said.length === 0 ? "another value" : list(said);
}

/** Stand for the value of a password, which is not repeated even when it is wrong. */
export const HIDDEN_TEXT = Symbol("a text");
export const HIDDEN_NUMBER = Symbol("a number");

/** What was found, as the file would spell it; never more than a line of it. */
export function found(value: unknown): string {
  if (typeof value === "symbol") return value.description ?? "";
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") {
    const keys = Object.keys(value);
    return keys.length === 0 ? "an empty block" : `a block with ${list(keys, "and", 4)}`;
  }
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** A value of the right type that is too small, too large or of the wrong form. */
export function limits(issue: Issue, value: unknown): string {
  const what = Array.isArray(value) ? " entries" : typeof value === "string" ? " characters" : "";
  if (issue.code === "too_small") {
    if (Number(issue.minimum) === 1 && what !== "") return `must not be empty`;
    return `expected at least ${issue.minimum}${what}, found ${sized(value)}`;
  }
  if (issue.code === "too_big") return `expected at most ${issue.maximum}${what}, found ${sized(value)}`;
  if (issue.code === "not_multiple_of") return `expected a multiple of ${issue.divisor}, found ${found(value)}`;
  if (issue.code === "invalid_format" && issue.pattern !== undefined)
    return `expected a text of the form ${issue.pattern}, found ${found(value)}`;
  if (issue.code === "invalid_format") return `expected a text of the form ${issue.format}, found ${found(value)}`;
  return `${found(value)} is not accepted here`;
}

function sized(value: unknown): string {
  return Array.isArray(value) || typeof value === "string" ? String(value.length) : found(value);
}
