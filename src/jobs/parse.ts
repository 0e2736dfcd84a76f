import type { z } from "zod";
import { catalogue, type ErrorCode } from "../base/error-catalogue.js";
import { didYouMean, list, nearest } from "../base/nearest.js";
import { explainChoice } from "./explain-choice.js";
import { expectation, found, HIDDEN_NUMBER, HIDDEN_TEXT, limits } from "./explain-value.js";
import { type Finding, type KeyPath, writePath } from "./problem.js";

export type Parsed<T> =
  | { readonly value: T; readonly findings: readonly Finding[] }
  | { readonly value: undefined; readonly findings: readonly Finding[] };

/** A zod issue before it is finished: it still has the schema that raised it, and the input. */
export type RawIssue = z.core.$ZodRawIssue;
export type Issue = z.core.$ZodIssue;

/** What the explaining functions share: the raw issues by number, and the data that was parsed. */
export interface Reading {
  raw(issue: Issue): RawIssue | undefined;
  /** What the definition holds at a path. */
  at(path: KeyPath): unknown;
  explain(issues: readonly Issue[], base: KeyPath): Finding[];
}

/** Parses `data` and says each mistake in words: what was found, what is allowed, the nearest valid name. */
export function parse<T>(schema: z.ZodType<T>, data: unknown): Parsed<T> {
  const raws: RawIssue[] = [];
  // A message that is a number leads back to the raw issue, which alone knows the schema and the input.
  const result = schema.safeParse(data, { error: (issue) => `\u0001${raws.push(issue) - 1}` });
  if (result.success) return { value: result.data, findings: [] };
  const reading: Reading = {
    raw: (issue) => (issue.message.startsWith("\u0001") ? raws[Number(issue.message.slice(1))] : undefined),
    at: (path) => (isSensitive(path) ? concealed(valueAt(data, path)) : valueAt(data, path)),
    explain: (issues, base) => issues.flatMap((issue) => explain(issue, base, reading)),
  };
  return { value: undefined, findings: withoutEchoes(reading.explain(result.error.issues, [])) };
}

export function valueAt(data: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>((holder, part) => {
    if (typeof holder !== "object" || holder === null || !Object.hasOwn(holder, part)) return undefined;
    return (holder as Record<string | number, unknown>)[part];
  }, data);
}

/** A key that is missing because it is misspelt is one mistake, not two. */
function withoutEchoes(findings: readonly Finding[]): Finding[] {
  const meant = new Set(findings.flatMap(({ instead }) => (instead === undefined ? [] : [writePath(instead)])));
  return findings.filter((finding) => finding.missing !== true || !meant.has(writePath(finding.path)));
}

const SENSITIVE = new Set(["password", "passphrase", "account", "privateKey"]);

function isSensitive(path: KeyPath): boolean {
  return SENSITIVE.has(String(path.at(-1)));
}

function concealed(value: unknown): unknown {
  if (typeof value === "string") return HIDDEN_TEXT;
  return typeof value === "number" ? HIDDEN_NUMBER : value;
}

function explain(issue: Issue, base: KeyPath, reading: Reading): Finding[] {
  const path = [...base, ...(issue.path as KeyPath)];
  if (issue.code === "unrecognized_keys") return unknownKeys(issue.keys, path, reading.raw(issue));
  if (issue.code === "invalid_union" && reading.raw(issue) !== undefined) return explainChoice(issue, path, reading);
  if (issue.code === "custom" || reading.raw(issue) === undefined) return [custom(issue, path, reading)];
  if (issue.code === "invalid_key") {
    const first = issue.issues[0];
    const why = first !== undefined && reading.raw(first) === undefined ? `: ${first.message}` : "";
    return [{ path, at: "key", message: `the name ${found(path.at(-1))} is not accepted${why}` }];
  }
  const value = reading.at(path);
  if (value === undefined) return [missing(path, issue)];
  if (issue.code === "invalid_type" || issue.code === "invalid_value") return [unexpected(issue, path, value)];
  return [{ path, message: limits(issue, value) }];
}

function unknownKeys(keys: readonly string[], path: KeyPath, raw: RawIssue | undefined): Finding[] {
  const allowed = keysOf(raw?.inst);
  return keys.map((key) => {
    const meant = nearest(key, allowed);
    return {
      path: [...path, key],
      at: "key",
      message: `unknown key "${key}"${allowed.length > 0 ? `; allowed here: ${list(allowed, "and")}` : ""}`,
      ...(meant === undefined ? {} : { hint: `did you mean "${meant}"?`, instead: [...path, meant] }),
    };
  });
}

function keysOf(schema: unknown): string[] {
  const definition = (schema as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def;
  return definition?.shape ? Object.keys(definition.shape) : [];
}

/** A mistake that a schema words itself; its `params` may give code, hint and severity. */
function custom(issue: Issue, path: KeyPath, reading: Reading): Finding {
  const params = issue.code === "custom" ? issue.params : undefined;
  const value = reading.at(path);
  const named = params?.code ?? /\((FERRY_[A-Z_]+)\)/.exec(issue.message)?.[1];
  const code = typeof named === "string" && named in catalogue ? (named as ErrorCode) : undefined;
  const own = reading.raw(issue) === undefined;
  if (own && value === undefined && issue.message.startsWith("expected ") && issue.path.length > 0)
    return missing(path, issue);
  return {
    path,
    message: own ? ownWords(issue.message, value) : `${found(value)} is not accepted here`,
    ...(code === undefined ? {} : { code }),
    ...(typeof params?.hint === "string" ? { hint: params.hint } : {}),
    ...(params?.at === "key" ? { at: "key" as const } : {}),
  };
}

/** The schema's message, with what was found where it does not say so itself. */
function ownWords(message: string, value: unknown): string {
  const words = message.replace(/ ?\(FERRY_[A-Z_]+\)/, "");
  const says = /\bfound\b/.test(words) || typeof value === "object" || value === undefined;
  return says && !words.startsWith("expected ")
    ? words
    : /\bfound\b/.test(words)
      ? words
      : `${words}, found ${found(value)}`;
}

function missing(path: KeyPath, issue: Issue): Finding {
  const last = path.at(-1);
  const name = last === undefined ? "the definition is empty" : `"${last}" is missing`;
  return { path, message: `${name}: expected ${expectation(issue)}`, missing: true };
}

function unexpected(issue: Issue, path: KeyPath, value: unknown): Finding {
  const options = issue.code === "invalid_value" ? issue.values.map(String) : [];
  const hint = typeof value === "string" ? didYouMean(value, options) : undefined;
  const spelling = issue.code === "invalid_type" ? quoting(issue.expected, value) : undefined;
  return {
    path,
    message: `expected ${expectation(issue)}, found ${found(value)}`,
    hint: hint ?? spelling,
  };
}

function quoting(expected: string, value: unknown): string | undefined {
  if (expected === "string" && (value === HIDDEN_NUMBER || typeof value === "number" || typeof value === "boolean"))
    return "put it in quotes";
  const plain = (expected === "number" || expected === "int") && typeof value === "string" && /^\d+$/.test(value);
  return plain ? "write it without quotes" : undefined;
}
