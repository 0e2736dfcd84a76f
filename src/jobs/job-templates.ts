import type { TaskKind } from "../tasks/task.js";
import { idsOf, TASK_LISTS, type TaskList } from "./definition.js";
import type { Finding, KeyPath } from "./problem.js";
import { type JobDefinition, kindOf } from "./schema.js";
import { checkCondition, checkText, type TextRules } from "./template-check.js";
import { ALL_ROOTS, type Names, type Root } from "./template-names.js";

export interface TemplateContext {
  readonly taskKinds: readonly Pick<TaskKind, "type" | "lazy">[];
  /** Names that templates may read from the environment. */
  readonly env: readonly string[];
  readonly secretNames: readonly string[] | undefined;
}

const WITHOUT_FILE: readonly Root[] = ALL_ROOTS.filter((root) => root !== "file");
const IN_VARS: readonly Root[] = WITHOUT_FILE.filter((root) => root !== "tasks");
/** What picks files is evaluated before there is a current one. */
const PICKING = new Set(["from", "include", "exclude"]);
/** What names files and folders, here or on a server. */
const PATHS = new Set([...PICKING, "to", "name", "publish", "after", "path", "folder", "connection"]);

const NO_SECRET = {
  exec: "a secret may not stand in exec.command or exec.env, where every process of this machine could read it; pass it by `input`",
  path: "a secret may not stand in a path or a name, which are kept in the history",
  vars: "a secret may not stand in `vars`, which are kept in the history; use the filter where the value is needed",
};

/** Every template of a job, as far as it can be judged before a run. */
export function checkTemplates(job: JobDefinition, context: TemplateContext): Finding[] {
  return [...checkVars(job, context), ...checkTriggers(job, context), ...checkTasks(job, context)];
}

function checkVars(job: JobDefinition, context: TemplateContext): Finding[] {
  const names = Object.keys(job.vars);
  return Object.entries(job.vars).flatMap(([name, value], index) => {
    if (typeof value !== "string") return [];
    const known: Names = { roots: IN_VARS, vars: names.slice(0, index), env: context.env, tasks: [], laterTasks: [] };
    return checkText(value, ["vars", name], {
      names: known,
      noSecret: NO_SECRET.vars,
      secretNames: context.secretNames,
    });
  });
}

/** The texts of a trigger (`doneFile`) know the file that was found, and nothing of a run. */
function checkTriggers(job: JobDefinition, context: TemplateContext): Finding[] {
  const names: Names = { roots: ["file"], vars: [], env: [], tasks: [], laterTasks: [] };
  const rules: TextRules = { names, noSecret: "a secret may not stand in a trigger", secretNames: context.secretNames };
  return job.triggers.flatMap((trigger, index) =>
    texts(trigger, ["triggers", index]).flatMap(({ text, path }) => checkText(text, path, rules)),
  );
}

function checkTasks(job: JobDefinition, context: TemplateContext): Finding[] {
  const ids = idsOf(job);
  const all = (list: TaskList): string[] => job[list].map((_, index) => ids.at(list, index));
  const before: Readonly<Record<TaskList, readonly string[]>> = {
    tasks: [],
    onFailure: all("tasks"),
    onSuccess: all("tasks"),
    onFinish: [...all("tasks"), ...all("onFailure"), ...all("onSuccess")],
  };
  const every = TASK_LISTS.flatMap(all);
  return TASK_LISTS.flatMap((list) =>
    job[list].flatMap((task, index) => {
      const tasks = [...before[list], ...all(list).slice(0, index)];
      const laterTasks = every.filter((id) => !tasks.includes(id));
      const names: Names = { roots: WITHOUT_FILE, vars: Object.keys(job.vars), env: context.env, tasks, laterTasks };
      return checkTask(task, [list, index], names, context);
    }),
  );
}

function checkTask(
  task: JobDefinition["tasks"][number],
  path: KeyPath,
  names: Names,
  context: TemplateContext,
): Finding[] {
  const kind = kindOf(task);
  const lazy: readonly string[] = context.taskKinds.find((one) => one.type === kind)?.lazy ?? [];
  const { secretNames } = context;
  const condition =
    task.when === undefined
      ? []
      : checkCondition(task.when, [...path, "when"], {
          names,
          secretNames,
          noSecret: "a secret may not stand in a condition",
        });
  const spec = task[kind];
  if (typeof spec !== "object" || spec === null) return condition;
  const inSpec = Object.entries(spec).flatMap(([key, value]) => {
    const roots = lazy.includes(key) && !PICKING.has(key) ? ALL_ROOTS : WITHOUT_FILE;
    const isSeen = kind === "exec" && (key === "command" || key === "env");
    const noSecret = isSeen ? NO_SECRET.exec : PATHS.has(key) ? NO_SECRET.path : undefined;
    return texts(value, [...path, kind, key]).flatMap((one) =>
      checkText(one.text, one.path, { names: { ...names, roots }, secretNames, noSecret }),
    );
  });
  return [...condition, ...inSpec];
}

/** Every text within a value, with its path. */
export function texts(value: unknown, path: KeyPath): { readonly text: string; readonly path: KeyPath }[] {
  if (typeof value === "string") return [{ text: value, path }];
  if (typeof value !== "object" || value === null || value instanceof Date) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => texts(item, [...path, index]));
  return Object.entries(value).flatMap(([key, item]) => texts(item, [...path, key]));
}
