import { didYouMean, list } from "../base/nearest.js";

/** What a template may speak of at its place in the job. */
export interface Names {
  readonly roots: readonly Root[];
  readonly vars: readonly string[];
  /** Names listed in ferry.yaml under `env`. */
  readonly env: readonly string[];
  /** Tasks that have ended when the text is evaluated. */
  readonly tasks: readonly string[];
  /** Tasks that come later, or are this one. */
  readonly laterTasks: readonly string[];
}

export type Root = "now" | "job" | "run" | "trigger" | "file" | "tasks" | "vars" | "env";
export const ALL_ROOTS: readonly Root[] = ["now", "job", "run", "trigger", "file", "tasks", "vars", "env"];

export interface Wrong {
  readonly message: string;
  readonly hint: string | undefined;
}

const FILE = ["name", "stem", "ext", "path", "dir", "size", "modified"];
const PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  job: ["name"],
  run: ["id", "startedAt", "error"],
  trigger: ["kind", "firedAt", "scheduledAt", "files"],
  file: FILE,
};
const OUTCOME = ["files", "output", "status", "rows"];

/** What is wrong with `segments` (`["vars", "dya"]`); undefined when it is there, or cannot be known before a run. */
export function checkVariable(segments: readonly unknown[], names: Names): Wrong | undefined {
  const [root, first, second] = segments;
  if (typeof root !== "string") return undefined;
  if (!(names.roots as readonly string[]).includes(root)) return wrongRoot(root, names);
  if (typeof first !== "string") return undefined;
  if (root === "vars") return wrongName("vars", first, names.vars, "no variable is declared under `vars`");
  if (root === "env") return wrongEnv(first, names);
  if (root === "tasks") return wrongTask(segments.slice(1), names);
  const known = PROPERTIES[root];
  if (known === undefined) return undefined;
  const wrong = wrongName(root, first, known);
  if (wrong !== undefined) return wrong;
  if (root === "run" && first === "error" && typeof second === "string")
    return wrongName("run.error", second, ["message", "code", "hint"]);
  return root === "trigger" && first === "files" ? wrongInFiles("trigger.files", segments.slice(2)) : undefined;
}

function wrongRoot(root: string, names: Names): Wrong {
  if (root === "file")
    return {
      message: "there is no current file here, so file.* says nothing",
      hint: "file.* is known in `to`, `name` and what else is evaluated for each file",
    };
  if ((ALL_ROOTS as readonly string[]).includes(root))
    return { message: `${root} is not known here, only ${list(names.roots, "and")}`, hint: undefined };
  return {
    message: `unknown variable "${root}"; there are ${list(names.roots, "and")}`,
    hint: didYouMean(root, names.roots),
  };
}

function wrongName(root: string, name: string, known: readonly string[], none = ""): Wrong | undefined {
  if (known.includes(name)) return undefined;
  const there =
    known.length === 0
      ? none
      : `there are ${list(
          known.map((one) => `${root}.${one}`),
          "and",
        )}`;
  return {
    message: `unknown variable "${root}.${name}"; ${there}`,
    hint: didYouMean(
      `${root}.${name}`,
      known.map((one) => `${root}.${one}`),
    ),
  };
}

function wrongEnv(name: string, names: Names): Wrong | undefined {
  if (names.env.includes(name)) return undefined;
  const hint = didYouMean(name, names.env) ?? `list it in ferry.yaml: env: [${[...names.env, name].join(", ")}]`;
  return { message: `the environment variable ${name} is not listed in ferry.yaml`, hint };
}

function wrongTask([id, property, ...rest]: readonly unknown[], names: Names): Wrong | undefined {
  if (typeof id !== "string") return undefined;
  if (!names.tasks.includes(id)) {
    if (names.laterTasks.includes(id))
      return {
        message: `the task "${id}" has not ended when this is evaluated`,
        hint: "only tasks that come before can be spoken of",
      };
    const there = names.tasks.length === 0 ? "no task comes before" : `before it come ${list(names.tasks, "and")}`;
    return { message: `unknown task "${id}"; ${there}`, hint: didYouMean(id, [...names.tasks, ...names.laterTasks]) };
  }
  if (typeof property !== "string") return undefined;
  const wrong = wrongName(`tasks.${id}`, property, OUTCOME);
  if (wrong !== undefined) return wrong;
  return property === "files" ? wrongInFiles(`tasks.${id}.files`, rest) : undefined;
}

function wrongInFiles(root: string, [item, property]: readonly unknown[]): Wrong | undefined {
  if (typeof item === "string") {
    const wrong = wrongName(root, item, ["size", "first", "last"]);
    if (wrong !== undefined || item === "size") return wrong;
  }
  return typeof property === "string"
    ? wrongName(`${root}${typeof item === "number" ? `[${item}]` : `.${String(item)}`}`, property, FILE)
    : undefined;
}
