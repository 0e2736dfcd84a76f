import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/**
 * The arrows between the rooms, and the rules of the house that the linter cannot hold. Every failure names the file, the
 * line and the rule. Changing a table here is a design decision, not a fix.
 */

type Reach = "values" | "types";
type Arrows = Readonly<Record<string, Reach>> | "anything";

const values = (...rooms: readonly string[]): Record<string, Reach> =>
  Object.fromEntries(rooms.map((room) => [room, "values"]));
const types = (...rooms: readonly string[]): Record<string, Reach> =>
  Object.fromEntries(rooms.map((room) => [room, "types"]));

/** What each room may import, besides itself and packages. A room that is not listed here does not exist. */
const ARROWS: Readonly<Record<string, Arrows>> = {
  base: {},
  workspace: values("base"),
  settings: values("base"),
  scheduler: values("base"),
  vault: values("base"),
  connections: values("base", "workspace", "vault"),
  tasks: values("base", "workspace", "vault", "connections"),
  jobs: values("base", "workspace", "settings", "vault", "connections", "tasks", "scheduler"),
  runs: { ...values("base", "workspace", "settings", "vault", "connections", "tasks", "jobs"), ...types("scheduler") },
  storage: { ...values("base"), ...types("scheduler", "runs", "tasks") },
  agent: "anything",
  cli: "anything",
  docs: "anything",
  demo: "anything",
  main: "anything",
};

/** Rooms at the top: who alone may import them, whatever ARROWS says. */
const IMPORTERS: Readonly<Record<string, readonly string[]>> = {
  agent: ["cli", "main", "docs", "demo"],
  cli: ["main", "docs"],
  demo: [],
  main: [],
};

/** Pure transitions, of which storage takes the values, too: it refuses what may not follow. */
const TRANSITIONS: readonly string[] = ["runs/run.ts", "tasks/delivery-states.ts"];

/** A file that lies in src/ itself, where it is not a room of its own name. */
const LOOSE_FILES: Readonly<Record<string, string>> = { "settings-schema.ts": "settings" };

const LONGEST_FILE = 300;
const HOMELESS_NAMES = ["utils", "util", "common", "helpers", "helper", "types"];

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(repository, "src");
const files = readdirSync(source, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => relative(source, join(entry.parentPath, entry.name)).split(sep).join("/"))
  .sort()
  .map((path) => ({ path, text: readFileSync(join(source, path), "utf8") }));
type SourceFile = (typeof files)[number];

describe("the rooms", () => {
  test("every room of src stands in the table of arrows", () => {
    const unknown = files
      .filter((file) => !(roomOf(file.path) in ARROWS))
      .map((file) => `src/${file.path}: no such room: ${roomOf(file.path)}`);
    expect(unknown).toEqual([]);
  });

  test.each(Object.keys(ARROWS))("%s imports only what its arrows allow", (room) => {
    const own = files.filter((file) => roomOf(file.path) === room);
    expect(own.flatMap((file) => importsOf(file).flatMap((one) => wrongArrow(room, one)))).toEqual([]);
  });
});

describe("the house", () => {
  test(`no file is longer than ${LONGEST_FILE} lines`, () => {
    const lengths = files.map((file) => ({ path: file.path, lines: file.text.trimEnd().split("\n").length }));
    expect(
      lengths.filter(({ lines }) => lines > LONGEST_FILE).map(({ path, lines }) => `src/${path}: ${lines} lines`),
    ).toEqual([]);
  });

  test("the clock is the only source of time", () => {
    const time =
      /\bDate\.now\(|\bnew Date\(\s*\)|(?<![.\w])set(?:Timeout|Interval)\b|\b(?:globalThis|timers)\.set(?:Timeout|Interval)\b|"(?:node:)?timers(?:\/promises)?"/;
    const subject = files.filter((file) => file.path !== "base/clock.ts" && roomOf(file.path) !== "demo");
    expect(found(subject, time, { strings: true })).toEqual([]);
  });

  test("only src/cli/print.ts prints; main.ts hands it the process's own streams", () => {
    const printing = /\bconsole\.\w+|\b(?:stdout|stderr)\.write\(/;
    const allowed = ["cli/print.ts", "main.ts"];
    const subject = files.filter(
      (file) => !allowed.includes(file.path) && !["demo", "docs"].includes(roomOf(file.path)),
    );
    expect(found(subject, printing)).toEqual([]);
  });

  test("only src/storage/sqlite/connect.ts opens databases: what better-sqlite3 makes may not become garbage", () => {
    const subject = files.filter((file) => file.path !== "storage/sqlite/connect.ts");
    expect(found(subject, /\bnew Database\(|\.iterate\(/)).toEqual([]);
  });

  test("nothing is cast to any", () => {
    expect(found(files, /\bas\s+any\b|<any>/)).toEqual([]);
  });

  test("there are no barrels", () => {
    expect(files.filter((file) => basename(file.path) === "index.ts").map((file) => `src/${file.path}`)).toEqual([]);
  });

  test("nothing is called utils, common, helpers or types: a function without a home is a concept without a name", () => {
    const homeless = files.filter((file) =>
      file.path
        .replace(/\.ts$/, "")
        .split("/")
        .some((part) => HOMELESS_NAMES.includes(part)),
    );
    expect(homeless.map((file) => `src/${file.path}`)).toEqual([]);
  });
});

test("imports are read as they are written", () => {
  const text = [
    'import { a, type B } from "../base/clock.js";',
    "import type {\n  C,\n} from '../tasks/task.js';".replaceAll("'", '"'),
    'import { type D, type E } from "./x.js";',
    'export * from "../runs/run.js";',
    'export type { F } from "../jobs/job.js";',
    'import fs from "node:fs";',
    '// import { g } from "../cli/print.js";',
    'const h = await import("../storage/open.js");',
    'import "../main.js";',
  ].join("\n");
  expect(importsOf({ path: "vault/v.ts", text }).map(({ where, target, reach }) => [where, target, reach])).toEqual([
    ["src/vault/v.ts:1", "base/clock.ts", "values"],
    ["src/vault/v.ts:2", "tasks/task.ts", "types"],
    ["src/vault/v.ts:5", "vault/x.ts", "types"],
    ["src/vault/v.ts:6", "runs/run.ts", "values"],
    ["src/vault/v.ts:7", "jobs/job.ts", "types"],
    ["src/vault/v.ts:10", "storage/open.ts", "values"],
    ["src/vault/v.ts:11", "main.ts", "values"],
  ]);
});

interface Import {
  /** `src/file.ts:line` of the import. */
  readonly where: string;
  /** The imported file, from src. */
  readonly target: string;
  readonly reach: Reach;
}

function wrongArrow(room: string, { where, target, reach }: Import): readonly string[] {
  const to = roomOf(target);
  if (to === room) return [];
  const importers = IMPORTERS[to];
  if (importers) return importers.includes(room) ? [] : [`${where}: ${room} must not import ${to} (src/${target})`];
  const arrows = ARROWS[room] ?? {};
  if (arrows === "anything" || arrows[to] === "values") return [];
  if (arrows[to] === undefined) return [`${where}: ${room} must not import ${to} (src/${target})`];
  return reach === "types" || TRANSITIONS.includes(target)
    ? []
    : [`${where}: ${room} may import only types of ${to} (src/${target})`];
}

/** A folder of src, or the name of a file that lies in src itself. */
function roomOf(path: string): string {
  const [first = "", ...rest] = path.split("/");
  return rest.length > 0 ? first : (LOOSE_FILES[first] ?? first.replace(/\.ts$/, ""));
}

function importsOf(file: SourceFile): readonly Import[] {
  const code = withoutComments(file.text);
  const clause =
    /^(?:import|export)(?<type>\s+type)?\s+(?<names>(?:\w+\s*,\s*)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?)|\w+)\s+from\s+"(?<from>\.[^"]+)"/gm;
  const bare = /^import\s+"(?<from>\.[^"]+)"/gm;
  const dynamic = /\bimport\(\s*"(?<from>\.[^"]+)"\s*\)/g;
  return [clause, bare, dynamic]
    .flatMap((pattern) => [...code.matchAll(pattern)])
    .sort((one, other) => one.index - other.index)
    .map((match) => {
      const { type, names, from = "" } = match.groups ?? {};
      return {
        where: `src/${file.path}:${lineAt(code, match.index)}`,
        target: join(dirname(file.path), from).split(sep).join("/").replace(/\.js$/, ".ts"),
        reach: type !== undefined || onlyTypes(names) ? "types" : "values",
      };
    });
}

/** `{ type A, type B }` */
function onlyTypes(names: string | undefined): boolean {
  const list = /^\{(?<list>[^}]*)\}$/.exec(names ?? "")?.groups?.list;
  if (list === undefined) return false;
  const items = list
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  return items.length > 0 && items.every((item) => item.startsWith("type "));
}

/** The lines of `subject` where the pattern matches, outside comments and, unless `strings`, outside quoted texts. */
function found(
  subject: readonly SourceFile[],
  pattern: RegExp,
  options: { readonly strings?: boolean } = {},
): readonly string[] {
  return subject.flatMap((file) => {
    const code = withoutComments(file.text);
    const lines = (options.strings ? code : withoutTexts(code)).split("\n");
    const written = file.text.split("\n");
    return lines.flatMap((line, index) =>
      pattern.test(line) ? [`src/${file.path}:${index + 1}: ${written[index]?.trim()}`] : [],
    );
  });
}

/** Comments become spaces, so that lines keep their numbers. A text that holds `//` after a space loses its rest: nobody is hurt. */
function withoutComments(text: string): string {
  const blank = (comment: string): string => comment.replace(/[^\n]/g, " ");
  return text.replace(/(?<=^|[\s([{,;])\/\*[\s\S]*?\*\//g, blank).replace(/(?<=^|\s)\/\/.*$/gm, blank);
}

function withoutTexts(code: string): string {
  return code.replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}
