import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { TaskKind, TaskResult } from "../../src/tasks/task.js";
import { type TestContextOptions, testContext, testWorkspace } from "./task-context.js";

let workspace: Awaited<ReturnType<typeof testWorkspace>>;

/** A workspace of its own for each test of the file that calls this. */
export function workbench(): void {
  beforeEach(async () => {
    workspace = await testWorkspace();
  });
  afterEach(() => workspace.close());
}

export function at(path: string): string {
  return join(workspace.path, path);
}

export async function make(path: string, content: string | Buffer = path): Promise<string> {
  await mkdir(join(at(path), ".."), { recursive: true });
  await writeFile(at(path), content);
  return at(path);
}

export async function perform(kind: TaskKind, spec: object, options: TestContextOptions = {}): Promise<TaskResult> {
  return kind.run(kind.schema.parse(spec), testContext(workspace.path, options));
}

export function shown(result: TaskResult): string[] {
  return result.files.map((file) => relative(workspace.path, file.path)).sort();
}

/** All files of the folder, with the folders below, as another program sees them. */
export function tree(folder: string): string[] {
  const found = execFileSync("find", [".", "-type", "f", "-printf", "%P\\0"], { cwd: at(folder), encoding: "utf8" });
  return found.split("\0").filter(Boolean).sort();
}
