import picomatch from "picomatch";
import type { WatchOptions } from "./watch-schema.js";

/** Whether a file counts by its name. `relative` is its path below the watched folder, with `/`. */
export type NameFilter = (name: string, relative: string) => boolean;

export function nameFilter({ include, exclude }: Pick<WatchOptions, "include" | "exclude">): NameFilter {
  const included = include === undefined ? isOrdinary : anyOf(include, { dot: false });
  const excluded = anyOf(exclude, { dot: true });
  return (name, relative) => included(name, relative) && !excluded(name, relative);
}

/** What programs use for files that they still write: Ferry's own temporary names are among them. */
function isOrdinary(name: string): boolean {
  return !/^[.~]|\.(?:tmp|part|filepart)$/i.test(name);
}

/** A pattern with a slash is held against the path, one without against the name alone. */
function anyOf(patterns: readonly string[], options: { readonly dot: boolean }): NameFilter {
  const matchers = patterns.map((pattern) => {
    const matches = picomatch(pattern.replace(/^\.\//, ""), options);
    return pattern.includes("/") ? (_: string, relative: string) => matches(relative) : (name: string) => matches(name);
  });
  return (name, relative) => matchers.some((matches) => matches(name, relative));
}
