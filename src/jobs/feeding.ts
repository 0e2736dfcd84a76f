import type { TaskDefinition } from "./job.js";

/**
 * The tasks with `onEmpty: fail` where it is not written and the task feeds an upload, directly or through others:
 * nothing to pack means that nothing will be sent, and somebody should know.
 */
export function failWhenNothingToSend(tasks: readonly TaskDefinition[]): readonly TaskDefinition[] {
  const feeding = new Set<string>();
  for (const task of tasks.toReversed()) {
    if (task.kind === "upload" || feeding.has(task.id)) for (const id of named(task)) feeding.add(id);
  }
  return tasks.map((task) => (feeding.has(task.id) && picksFiles(task) ? withFail(task) : task));
}

/** The tasks whose files this one takes: `{{ tasks.pack.files }}`. */
function named(task: TaskDefinition): readonly string[] {
  const from = [task.spec.from].flat().filter((text) => typeof text === "string");
  return from.flatMap((text) =>
    [...text.matchAll(/\btasks\.([A-Za-z0-9_-]+)\.files/g)].flatMap((match) => match[1] ?? []),
  );
}

/** `exec` and `write` make files, but do not pick any. */
function picksFiles(task: TaskDefinition): boolean {
  return task.kind !== "exec" && task.kind !== "write" && task.kind !== "mkdir";
}

function withFail(task: TaskDefinition): TaskDefinition {
  return task.spec.onEmpty === undefined ? { ...task, spec: { ...task.spec, onEmpty: "fail" } } : task;
}
