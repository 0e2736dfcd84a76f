import type { ConnectionDefinition } from "../../connections/registry.js";
import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { type Cell, table } from "../table.js";
import { dim, red, type Text } from "../text.js";
import { locate, readDefinitions, type WorkspaceDefinitions } from "../workspace.js";

interface ConnectionRow {
  readonly name: string;
  readonly group: string | null;
  readonly description: string | null;
  readonly protocol: string | null;
  readonly address: string | null;
  readonly port: number | null;
  readonly username: string | null;
  readonly directory: string | null;
  /** Null where the definition is right. */
  readonly problem: string | null;
}

/** `ferry connection list`. */
export async function listConnections(context: CommandContext): Promise<number> {
  const definitions = await readDefinitions(context, locate(context));
  const connections = [...right(definitions), ...wrong(definitions)].sort((a, b) => (a.name < b.name ? -1 : 1));
  context.print.result({ connections }, () => view(connections, context.print.width));
  return EXIT.done;
}

function right({ connections }: WorkspaceDefinitions): ConnectionRow[] {
  return [...connections].map(([name, definition]) => ({
    name,
    group: textOf(definition, "group"),
    description: textOf(definition, "description"),
    protocol: definition.protocol,
    address: textOf(definition, "address"),
    port: "port" in definition && typeof definition.port === "number" ? definition.port : null,
    username: textOf(definition, "username"),
    directory: textOf(definition, "directory"),
    problem: null,
  }));
}

/** The protocols have different keys; absent is null. */
function textOf(definition: ConnectionDefinition, key: string): string | null {
  const value: unknown = new Map(Object.entries(definition)).get(key);
  return typeof value === "string" ? value : null;
}

/** Definitions with mistakes are listed, too: what is missing from a list is looked for in the wrong place. */
function wrong({ connections, problems }: WorkspaceDefinitions): ConnectionRow[] {
  const found = new Map<string, string>();
  for (const problem of problems) {
    const [, plain, quoted] = /^connections(?:\.([\w$<-]+)|\["((?:[^"\\]|\\.)*)"\])/.exec(problem.path) ?? [];
    const name = plain ?? quoted;
    if (name === undefined || problem.severity !== "error" || connections.has(name) || found.has(name)) continue;
    found.set(name, `${problem.file}:${problem.line}: ${problem.message}`);
  }
  const nothing = {
    group: null,
    description: null,
    protocol: null,
    address: null,
    port: null,
    username: null,
    directory: null,
  };
  return [...found].map(([name, problem]) => ({ name, ...nothing, problem }));
}

const COLUMNS = [
  { head: "NAME", keep: "start" },
  { head: "PROTOCOL" },
  { head: "SERVER", keep: "start" },
  { head: "USER", keep: "start" },
  { head: "DIRECTORY", keep: "end" },
  { head: "DESCRIPTION", keep: "start", spare: true },
] as const;

function view(connections: readonly ConnectionRow[], width: number | undefined): Text[] {
  if (connections.length === 0) return [dim("no connections")];
  return table(COLUMNS, connections.map(row), width);
}

function row(connection: ConnectionRow): Cell[] {
  if (connection.problem !== null)
    return [
      connection.name,
      { ...red("off"), text: "off" },
      "",
      "",
      "",
      { ...red(connection.problem), text: connection.problem },
    ];
  const server =
    connection.address === null ? "" : `${connection.address}${connection.port === null ? "" : `:${connection.port}`}`;
  return [
    connection.name,
    connection.protocol ?? "",
    server,
    connection.username ?? "",
    connection.directory ?? "",
    connection.description ?? "",
  ];
}
