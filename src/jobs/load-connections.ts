import type { z } from "zod";
import { didYouMean } from "../base/nearest.js";
import type { ConnectionWarning } from "../connections/warning.js";
import { texts } from "./job-templates.js";
import { parse } from "./parse.js";
import type { Finding, Problem } from "./problem.js";
import { refuseControl } from "./rules.js";
import { connectionName } from "./schema.js";
import type { Source } from "./source.js";
import { checkText, type TextRules } from "./template-check.js";
import { isBlock } from "./yaml.js";

/** What the loader must know of connections; `connections/registry.ts` gives it. */
export interface ConnectionKinds<Definition> {
  readonly schema: z.ZodType<Definition>;
  warnings(definition: Definition, written: unknown): readonly ConnectionWarning[];
}

export interface ConnectionContext<Definition> {
  readonly kinds: ConnectionKinds<Definition>;
  readonly strict: boolean;
  readonly env: readonly string[];
  readonly secretNames: readonly string[] | undefined;
}

export interface LoadedConnections<Definition> {
  readonly connections: Map<string, Definition>;
  /** Names that are defined wrongly, with the file and the first mistake. */
  readonly broken: Map<string, Problem>;
  readonly problems: Problem[];
}

/** All connections of all files. A name that two files define is wrong in both. */
export function loadConnections<Definition>(
  sources: readonly Source[],
  context: ConnectionContext<Definition>,
): LoadedConnections<Definition> {
  const loaded: LoadedConnections<Definition> = { connections: new Map(), broken: new Map(), problems: [] };
  const entries = sources.flatMap((source) => entriesOf(source, loaded.problems));
  const names = entries.map(({ name }) => name);
  for (const entry of entries) {
    const { name, source } = entry;
    const twin = entries.find((other) => other !== entry && other.name === name);
    const parsed = parse(context.kinds.schema, entry.data);
    const findings = [
      ...(twin === undefined
        ? []
        : [
            {
              path: [],
              at: "key" as const,
              message: `the connection "${name}" is defined in ${twin.source.file}, too`,
            },
          ]),
      ...parsed.findings,
      ...(parsed.value === undefined ? [] : checkDefinition(entry, parsed.value, names, context)),
    ].map((finding): Finding => ({ ...finding, path: ["connections", name, ...finding.path] }));
    const problems = findings.map(source.problem);
    loaded.problems.push(...problems);
    const first = problems.find((problem) => problem.severity === "error");
    if (first !== undefined) loaded.broken.set(name, first);
    else if (parsed.value !== undefined) loaded.connections.set(name, parsed.value);
  }
  return loaded;
}

interface Entry {
  readonly name: string;
  readonly data: unknown;
  readonly source: Source;
}

function entriesOf(source: Source, problems: Problem[]): Entry[] {
  if (!source.readable || source.data === null) return [];
  const fail = (finding: Finding): Entry[] => {
    problems.push(source.problem(finding));
    return [];
  };
  if (!isBlock(source.data)) return fail({ path: [], message: "expected `connections:` with a block of names" });
  const { connections, ...others } = source.data;
  for (const key of Object.keys(others)) {
    fail({
      path: [key],
      at: "key",
      message: `unknown key "${key}"; allowed here: connections`,
      hint: didYouMean(key, ["connections"]),
    });
  }
  if (connections === undefined || connections === null) return [];
  if (!isBlock(connections))
    return fail({ path: ["connections"], message: "expected a block of names, each with its definition" });
  return Object.entries(connections).flatMap(([name, data]) => {
    const wrong = parse(connectionName, name).findings[0];
    return wrong === undefined
      ? [{ name, data, source }]
      : fail({
          path: ["connections", name],
          at: "key",
          message: `the name "${name}" is not accepted: ${wrong.message}`,
        });
  });
}

function checkDefinition<Definition>(
  entry: Entry,
  definition: Definition,
  names: readonly string[],
  context: ConnectionContext<Definition>,
): Finding[] {
  const all = texts(entry.data, []);
  // The short form may hide a line end behind %0D%0A; the block that it stands for shows it.
  const hidden =
    typeof entry.data === "string" ? texts(definition, []).flatMap(({ text }) => refuseControl(text, [])) : [];
  const rules: TextRules = {
    names: { roots: ["env"], vars: [], env: context.env, tasks: [], laterTasks: [] },
    secretNames: context.secretNames,
  };
  return [
    ...hidden.slice(0, 1),
    ...all.flatMap(({ text, path }) =>
      path[0] === "description" ? [] : [...refuseControl(text, path), ...checkText(text, path, rules)],
    ),
    ...checkJumpHost(definition, entry.name, names),
    ...checkPassword(definition, entry.name, context.secretNames),
    ...context.kinds.warnings(definition, entry.data).map(
      (warning): Finding => ({
        path: warning.path,
        severity: warning.security && context.strict ? "error" : "warning",
        code: warning.code,
        message: warning.message,
        hint:
          warning.security && context.strict
            ? (warning.hint ?? "`policy: strict` in ferry.yaml makes this an error")
            : warning.hint,
      }),
    ),
  ];
}

function checkJumpHost(definition: unknown, own: string, names: readonly string[]): Finding[] {
  const host = isBlock(definition) ? definition.jumpHost : undefined;
  if (typeof host !== "string" || host === "") return [];
  if (host === own) return [{ path: ["jumpHost"], message: "a connection cannot be its own jump host" }];
  return names.includes(host)
    ? []
    : [{ path: ["jumpHost"], message: `unknown connection "${host}"`, hint: didYouMean(host, names) }];
}

/** Without a password of its own a connection uses the secret of its name. */
function checkPassword(definition: unknown, name: string, secretNames: readonly string[] | undefined): Finding[] {
  if (!isBlock(definition) || secretNames === undefined || secretNames.includes(name)) return [];
  const given = (key: string): boolean =>
    definition[key] !== undefined && definition[key] !== false && definition[key] !== "";
  if (definition.protocol === "local" || ["anonymous", "password", "privateKey", "agent"].some(given)) return [];
  return [
    {
      path: [],
      at: "key",
      severity: "warning",
      code: "FERRY_SECRET_MISSING",
      message: `no password, and the vault has no secret "${name}"`,
      hint: `set it with \`ferry secret set ${name}\``,
    },
  ];
}
