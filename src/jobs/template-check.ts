import { type Liquid, type Template, toValueSync, Value } from "liquidjs";
import { didYouMean, list } from "../base/nearest.js";
import { isTemplate } from "../tasks/template-text.js";
import type { Finding, KeyPath } from "./problem.js";
import { createEngine } from "./template-engine.js";
import { checkVariable, type Names } from "./template-names.js";
import { liquidMessage } from "./templates.js";

export type { Names } from "./template-names.js";

/** What one text may do. */
export interface TextRules {
  readonly names: Names;
  /** Why the filter `secret` is refused here; undefined where it is allowed. */
  readonly noSecret?: string | undefined;
  /** The names in the vault; undefined when they are not known. */
  readonly secretNames: readonly string[] | undefined;
}

/** What can be known of a template before a run: its syntax, its variables, its filters, its secrets. */
export function checkText(text: string, path: KeyPath, rules: TextRules): Finding[] {
  return isTemplate(text) ? check(text, 0, path, rules) : [];
}

/** The same for a condition, which stands without braces. */
export function checkCondition(text: string, path: KeyPath, rules: TextRules): Finding[] {
  return isTemplate(text) ? check(text, 0, path, rules) : check(`{{${text}}}`, -2, path, rules);
}

/** One for all zones: nothing is evaluated here. */
const engine: Liquid = createEngine({ timezone: "UTC", strict: false, reveal: () => "" });
const FILTERS = [...Object.keys(engine.filters), "business_day"];

function check(text: string, shift: number, path: KeyPath, rules: TextRules): Finding[] {
  const finding = (offset: number, message: string, more: Partial<Finding> = {}): Finding => ({
    path,
    offset: Math.max(0, offset + shift),
    code: "FERRY_TEMPLATE",
    message,
    ...more,
  });
  let templates: Template[];
  try {
    templates = engine.parse(text);
  } catch (error) {
    return [
      finding(beginOf(error), `the template cannot be read: ${liquidMessage(error)}`, hintFor(liquidMessage(error))),
    ];
  }
  const variables = Object.values(engine.analyzeSync(templates).globals).flat();
  return [
    ...variables.flatMap((variable) => {
      const wrong = checkVariable(variable.segments, rules.names);
      return wrong === undefined
        ? []
        : [finding(offsetOf(text, variable.location), wrong.message, { hint: wrong.hint })];
    }),
    ...[...values(templates)].flatMap((value) => checkFilters(value, rules, finding)),
  ];
}

type MakeFinding = (offset: number, message: string, more?: Partial<Finding>) => Finding;

function checkFilters(value: Value, rules: TextRules, finding: MakeFinding): Finding[] {
  let argument: unknown = value.initial.postfix.length === 1 ? value.initial.postfix[0] : undefined;
  return value.filters.flatMap((filter) => {
    const given = argument;
    argument = undefined;
    const at = beginOf(filter);
    if (filter.name === "business_day") {
      return [finding(at, "the filter business_day comes later, with calendars", { code: "FERRY_NOT_SUPPORTED" })];
    }
    if (!FILTERS.includes(filter.name)) {
      return [
        finding(at, `unknown filter "${filter.name}"`, {
          hint: didYouMean(filter.name, FILTERS) ?? `there are ${list(FILTERS, "and", 12)}`,
        }),
      ];
    }
    return filter.name === "secret" ? checkSecret(given, at, rules, finding) : [];
  });
}

function checkSecret(argument: unknown, at: number, rules: TextRules, finding: MakeFinding): Finding[] {
  if (rules.noSecret !== undefined) return [finding(at, rules.noSecret)];
  const name = literalText(argument);
  if (name === undefined || rules.secretNames === undefined || rules.secretNames.includes(name)) return [];
  const hint = didYouMean(name, rules.secretNames) ?? `set it with \`ferry secret set ${name}\``;
  return [finding(at, `the vault has no secret "${name}"`, { code: "FERRY_SECRET_MISSING", hint })];
}

function literalText(token: unknown): string | undefined {
  if (typeof token !== "object" || token === null || !("content" in token) || !("quoted" in token || isQuoted(token)))
    return undefined;
  return typeof token.content === "string" ? token.content : undefined;
}

function isQuoted(token: object): boolean {
  return "input" in token && "begin" in token && /["']/.test(String(token.input)[Number(token.begin)] ?? "");
}

/** Every value that a template computes, with its filters, also within tags. */
function* values(templates: readonly Template[]): Generator<Value> {
  for (const template of templates) {
    for (const argument of template.arguments?.() ?? []) if (argument instanceof Value) yield argument;
    if (template.children) yield* values(toValueSync(template.children(false, true)) as Template[]);
  }
}

function offsetOf(text: string, { row, col }: { readonly row: number; readonly col: number }): number {
  const lines = text.split("\n").slice(0, row - 1);
  return lines.reduce((sum, line) => sum + line.length + 1, 0) + col - 1;
}

function beginOf(source: unknown): number {
  if (typeof source !== "object" || source === null) return 0;
  if ("begin" in source && typeof source.begin === "number") return source.begin;
  return "token" in source ? beginOf(source.token) : 0;
}

function hintFor(message: string): { hint?: string } {
  const tag = /tag "(include|render|layout|block)" not found/.exec(message)?.[1];
  if (tag !== undefined) return { hint: `${tag} is not available: a template cannot read other files` };
  if (message.includes('expected "|" before filter'))
    return { hint: "compare with == != < > <= >= contains; join with and, or" };
  return message.includes("not closed") ? { hint: "close it with }}" } : {};
}
