import type { z } from "zod";
import { type KindChoice, kindChoices } from "../base/kinds.js";
import { didYouMean, list, nearest } from "../base/nearest.js";
import { expectations, found } from "./explain-value.js";
import type { Issue, Reading } from "./parse.js";
import type { Finding, KeyPath } from "./problem.js";

type UnionIssue = z.core.$ZodIssueInvalidUnion;

/** A value that fits no branch of a union: told by the branch that was probably meant, or by what all of them allow. */
export function explainChoice(issue: UnionIssue, path: KeyPath, reading: Reading): Finding[] {
  const value = reading.at(path);
  const inst = reading.raw(issue)?.inst as z.core.$ZodType | undefined;
  const kinds = inst === undefined ? undefined : kindChoices.get(inst as never);
  if (kinds !== undefined) return explainKind(kinds, issue, path, value, reading);
  if (issue.discriminator !== undefined) return [discriminator(issue, path, value)];
  const best = bestBranch(issue.errors);
  if (best !== undefined) return reading.explain(best, path);
  const expected = expectations(issue.errors.flat());
  if (value === undefined)
    return [{ path, message: `"${String(path.at(-1) ?? "")}" is missing: expected ${expected}` }];
  const options = issue.errors.flat().flatMap((one) => (one.code === "invalid_value" ? one.values.map(String) : []));
  const spelling = typeof value === "string" ? didYouMean(value, options) : undefined;
  return [
    { path, message: `expected ${expected}, found ${found(value)}`, hint: spelling ?? hintOf(issue.errors.flat()) },
  ];
}

/** The branch that accepts the value's own type and complains least of what is in it; undefined when none accepts it. */
function bestBranch(errors: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const accepting = errors.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys" || within(issue)),
  );
  return [...accepting].sort((a, b) => a.length - b.length)[0];
}

/** A union within the union whose best branch lies deeper. */
function within(issue: Issue): boolean {
  if (issue.code === "invalid_union") return bestBranch(issue.errors) !== undefined;
  return ["too_small", "too_big", "invalid_format"].includes(issue.code);
}

function hintOf(issues: readonly Issue[]): string | undefined {
  for (const issue of issues) {
    if (issue.code === "custom" && typeof issue.params?.hint === "string") return issue.params.hint;
    const deeper = issue.code === "invalid_union" ? hintOf(issue.errors.flat()) : undefined;
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

function discriminator(issue: UnionIssue, path: KeyPath, value: unknown): Finding {
  const options = (issue as { options?: readonly unknown[] }).options?.map(String) ?? [];
  if (value === undefined)
    return { path, message: `"${String(path.at(-1) ?? "")}" is missing: expected one of ${list(options)}` };
  return {
    path,
    message: `expected one of ${list(options)}, found ${found(value)}`,
    hint: didYouMean(String(value), options),
  };
}

function explainKind(
  choice: KindChoice,
  issue: UnionIssue,
  path: KeyPath,
  value: unknown,
  reading: Reading,
): Finding[] {
  const there = `there are ${list(choice.types, "and")}`;
  if (typeof value === "string" && choice.types.includes(value)) {
    return [
      {
        path,
        message: `the ${choice.what} "${value}" lacks its keys`,
        hint: `write "${value}:" and its keys below it`,
      },
    ];
  }
  if (typeof value === "string") return [unknownKind(choice, value, path, "value")];
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path, message: `expected a ${choice.what}, found ${found(value)}; ${there}` }];
  }
  const keys = Object.keys(value).filter((key) => !choice.common.includes(key));
  const known = keys.filter((key) => choice.types.includes(key));
  const [first, second] = known;
  if (second !== undefined) {
    const message = `one ${choice.what} with two kinds, ${first} and ${second}`;
    return [{ path: [...path, second], at: "key", message, hint: `write two entries, each with its own "- "` }];
  }
  if (first !== undefined) return reading.explain(issue.errors[choice.types.indexOf(first)] ?? [], path);
  if (keys.length === 0) return [{ path, message: `the ${choice.what} names no kind; ${there}` }];
  return keys.map((key) => {
    const common = nearest(key, choice.common);
    const kind = nearest(key, [...choice.types, ...choice.planned]);
    if (common === undefined || kind !== undefined) return unknownKind(choice, key, [...path, key], "key");
    return { path: [...path, key], at: "key", message: `unknown key "${key}"`, hint: `did you mean "${common}"?` };
  });
}

function unknownKind(choice: KindChoice, name: string, path: KeyPath, at: "key" | "value"): Finding {
  const there = `there are ${list(choice.types, "and")}`;
  if (choice.planned.includes(name)) {
    return {
      path,
      at,
      code: "FERRY_NOT_SUPPORTED",
      message: `the ${choice.what} kind "${name}" comes later; ${there}`,
    };
  }
  return { path, at, message: `unknown ${choice.what} kind "${name}"; ${there}`, hint: didYouMean(name, choice.types) };
}
