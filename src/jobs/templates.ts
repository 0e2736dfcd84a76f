import type { Liquid } from "liquidjs";
import { AgentError } from "../base/errors.js";
import { isTemplate, isWholeTemplate } from "../tasks/template-text.js";
import { createEngine, type RevealSecret } from "./template-engine.js";
import { scopeOf, type TemplateFacts, unwrap } from "./template-scope.js";

/** Evaluates the templates of one job. Every failure is FERRY_TEMPLATE, or what revealing a secret failed with. */
export interface Templates {
  /** A text that is one `{{ … }}` and nothing else yields the value itself (files stay TaskFiles); any other a string. */
  evaluate(template: string, facts: TemplateFacts): Promise<unknown>;
  text(template: string, facts: TemplateFacts): Promise<string>;
  /** A condition without braces: `tasks.pack.files.size > 0`. False are nil, false, "" and "false". */
  expression(condition: string, facts: TemplateFacts): Promise<boolean>;
  /** Every text within a value (a task's specification), evaluated; keys in `except` stay as they are. */
  evaluateAll<T>(value: T, facts: TemplateFacts, except?: readonly string[]): Promise<T>;
  /** The variables of a run, in their order: each may speak of those before it. `given` (`--var`) go first. */
  variables(
    vars: Readonly<Record<string, string | number | boolean>>,
    given: Readonly<Record<string, string>>,
    facts: TemplateFacts,
  ): Promise<Record<string, unknown>>;
}

export interface TemplateOptions {
  /** The job's zone: dates are written on its clocks. */
  readonly timezone: string;
  readonly reveal: RevealSecret;
}

export function createTemplates({ timezone, reveal }: TemplateOptions): Templates {
  const engine = createEngine({ timezone, strict: true, reveal });
  const evaluate = async (template: string, facts: TemplateFacts): Promise<unknown> => {
    if (!isTemplate(template)) return template;
    const inner = wholeExpression(template);
    return translate(template, async () => {
      const scope = scopeOf(facts, timezone);
      if (inner === undefined) return engine.parseAndRender(template, scope);
      return unwrap(await value(engine, inner, scope));
    });
  };
  const templates: Templates = {
    evaluate,
    async text(template, facts) {
      const result = await evaluate(template, facts);
      if (typeof result === "string") return result;
      return translate(template, () => engine.parseAndRender(template, scopeOf(facts, timezone)));
    },
    async expression(condition, facts) {
      const result = await translate(condition, () =>
        value(engine, conditionText(condition), scopeOf(facts, timezone)),
      );
      return result !== undefined && result !== null && result !== false && result !== "" && result !== "false";
    },
    async evaluateAll(root, facts, except = []) {
      return (await mapTexts(root, (text) => evaluate(text, facts), except)) as typeof root;
    },
    async variables(vars, given, facts) {
      const done: Record<string, unknown> = {};
      for (const [name, template] of Object.entries(vars)) {
        const said = given[name] ?? template;
        // In order, because each may speak of those before it. What a person gives is taken literally.
        const result =
          typeof said === "string" && !(name in given) ? await evaluate(said, { ...facts, vars: done }) : said;
        done[name] = result instanceof Date ? result.toISOString() : result;
      }
      return done;
    },
  };
  return templates;
}

/** Evaluates the texts of connections and settings, which know `env` and the filter `secret`, and nothing of runs. */
export function createDefinitionTemplates(
  options: TemplateOptions & { readonly env: Readonly<Record<string, string>> },
) {
  const engine = createEngine({ ...options, strict: true });
  return (template: string): Promise<string> =>
    isTemplate(template)
      ? translate(template, () => engine.parseAndRender(template, { env: options.env }))
      : Promise.resolve(template);
}

/** What stands between the braces of a text that is one `{{ … }}` and nothing else. */
function wholeExpression(text: string): string | undefined {
  return isWholeTemplate(text) ? text.slice(2, -2).replace(/^-|-$/g, "").trim() : undefined;
}

/** A condition as it is evaluated: braces around it do no harm. */
function conditionText(condition: string): string {
  return wholeExpression(condition.trim()) ?? condition.trim();
}

function value(engine: Liquid, expression: string, scope: object): Promise<unknown> {
  return engine.evalValue(expression, scope);
}

async function mapTexts(
  root: unknown,
  map: (text: string) => Promise<unknown>,
  except: readonly string[],
): Promise<unknown> {
  if (typeof root === "string") return map(root);
  if (Array.isArray(root)) return Promise.all(root.map((item) => mapTexts(item, map, [])));
  if (typeof root !== "object" || root === null || root instanceof Date) return root;
  const entries = Object.entries(root).map(
    async ([key, inner]) => [key, except.includes(key) ? inner : await mapTexts(inner, map, [])] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

async function translate<T>(template: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const own = ownError(error);
    if (own !== undefined) throw own;
    throw new AgentError("FERRY_TEMPLATE", `${JSON.stringify(template)}: ${liquidMessage(error)}`, { cause: error });
  }
}

/** The engine wraps what a filter throws; an error of ours (a missing secret) is passed on as it was. */
function ownError(error: unknown): AgentError | undefined {
  if (error instanceof AgentError) return error;
  const inner = error instanceof Error && "originalError" in error ? error.originalError : undefined;
  return inner === undefined ? undefined : ownError(inner);
}

/** The engine's words without its own line and column. */
export function liquidMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/, (?:file:[^,]*, )?line:\d+, col:\d+$/, "");
}
