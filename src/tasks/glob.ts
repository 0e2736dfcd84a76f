import picomatch from "picomatch";
import { AgentError } from "../base/errors.js";

/** `*`, `**`, `?`, `[a-z]` and `{a,b}`. Parentheses, `!`, `+` and `@` are ordinary characters: names have them. */
const MAGIC = /[*?[{]/;
const SPECIAL = /[*?[\]{}()!+@|^$\\]/g;
const ESCAPED = /\\([*?[\]{}()!+@|^$\\])/g;
/** No one writes longer ones by hand, and the time of a match grows with the pattern. */
const LONGEST = 1000;

/** `text` as a part of a glob that matches itself only. */
export function escapeGlob(text: string): string {
  return text.replace(SPECIAL, "\\$&");
}

export interface Glob {
  /** The folder that the search begins in, or the whole path when there is no wildcard. Unescaped. */
  readonly base: string;
  /** The pattern below `base`, escaped; undefined when the text is a plain path. */
  readonly rest: string | undefined;
}

/** Divides a glob at its first segment with a wildcard. A backslash takes the magic from the character that follows it. */
export function parseGlob(text: string): Glob {
  const segments = text.split("/");
  const first = segments.findIndex((segment) => MAGIC.test(segment.replace(ESCAPED, "")));
  if (first === -1) return { base: unescapeGlob(text), rest: undefined };
  const base = unescapeGlob(segments.slice(0, first).join("/"));
  return { base: first > 0 && base === "" ? "/" : base, rest: segments.slice(first).join("/") };
}

/** The last segment of the pattern anywhere below, instead of where it stands. */
export function anywhereBelow(rest: string): string {
  if (rest.split("/").includes("**")) return rest;
  const last = rest.lastIndexOf("/");
  // A slash within braces divides alternatives, not the pattern.
  if (rest.slice(last + 1).includes("}") && !rest.slice(last + 1).includes("{")) return `**/${rest}`;
  return `${rest.slice(0, last + 1)}**/${rest.slice(last + 1)}`;
}

export interface GlobOptions {
  /** Whether wildcards match a leading dot. */
  readonly dot: boolean;
}

/** Whether a relative path or a name matches. */
export function globMatcher(pattern: string, options: GlobOptions): (path: string) => boolean {
  if (pattern.length > LONGEST)
    throw new AgentError("FERRY_DEFINITION", `a glob has ${pattern.length} characters; at most ${LONGEST} are taken`);
  const plain = pattern.replace(/\\.|[()!+@|^$]/g, (found) => (found.length > 1 ? found : `\\${found}`));
  return picomatch(plain, { dot: options.dot, nonegate: true, noextglob: true, strictSlashes: true });
}

/** Whether a folder at `depth` below the base may hold something that matches. */
export function folderMatcher(rest: string): (name: string, depth: number) => boolean {
  const segments = rest.split("/");
  const deep = segments.indexOf("**");
  const braces = segments.some((segment) => /\{[^}]*$/.test(segment));
  const matchers = segments.map((segment) => globMatcher(segment, { dot: false }));
  return (name, depth) => {
    if (deep !== -1 && depth >= deep) return !name.startsWith(".");
    if (depth >= segments.length - 1) return false;
    return braces ? !name.startsWith(".") : (matchers[depth]?.(name) ?? false);
  };
}

/** The test of `include` and `exclude`: a pattern without a slash speaks of the name, another one of the path below the base. */
export function namePatterns(patterns: readonly string[]): (folder: string, name: string) => boolean {
  const tests = patterns.map((pattern) => ({
    whole: pattern.includes("/"),
    matches: globMatcher(pattern, { dot: true }),
  }));
  return (folder, name) =>
    tests.some(({ whole, matches }) => matches(whole && folder !== "" ? `${folder}/${name}` : name));
}

function unescapeGlob(text: string): string {
  return text.replace(ESCAPED, "$1");
}
