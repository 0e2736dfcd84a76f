import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.js";
import { exec } from "../../src/tasks/exec.js";
import type { TaskResult } from "../../src/tasks/task.js";
import { type TestContextOptions, testContext, testWorkspace } from "../support/task-context.js";

let workspace: Awaited<ReturnType<typeof testWorkspace>>;
beforeEach(async () => {
  workspace = await testWorkspace();
});
afterEach(() => workspace.close());

const perform = (spec: object, options: TestContextOptions = {}): Promise<TaskResult> =>
  exec.run(exec.schema.parse(spec), testContext(workspace.path, options));
const shell = (script: string, ...args: string[]): string[] => ["sh", "-c", script, "sh", ...args];

test("a program's output and code are the result", async () => {
  expect(await perform({ command: ["printf", "%s\n", "done"] })).toEqual({ files: [], output: "done", status: 0 });
});

test("arguments reach the program as they are: no shell reads them", async () => {
  const hostile = ["$(touch x)", ";id", "-rf", "a b", "`id`", "*", "new\nline", "'\""];
  const { output } = await perform({ command: ["printf", "<%s>", ...hostile] });
  expect([output, await readdir(workspace.path)]).toEqual([hostile.map((one) => `<${one}>`).join(""), []]);
});

test("files that a template yields become one argument each", async () => {
  const file = (path: string) => ({ path, folder: "", identity: {}, origins: [] });
  const spec = exec.schema.parse({ command: ["printf", "<%s>", "files"] });
  const evaluated = {
    ...spec,
    command: ["printf", "<%s>", [file("/a/x y"), file("/a/-rf")], 7],
  } as unknown as typeof spec;
  expect((await exec.run(evaluated, testContext(workspace.path))).output).toBe("</a/x y></a/-rf><7>");
});

test("the environment is clean: a few names, and those that the task gives", async () => {
  process.env.FERRY_VAULT_KEY_FILE = "/somewhere/key";
  process.env.CANARY = "secret";
  try {
    const { output } = await perform({ command: ["env"], env: { GIVEN: "yes" } });
    const names = (output ?? "")
      .split("\n")
      .map((line) => line.split("=")[0] ?? "")
      .filter((name) => !/^(PATH|HOME|LANG|LC_.*|TZ|PWD|SHLVL|_)$/.test(name));
    expect(names).toEqual(["GIVEN"]);
  } finally {
    delete process.env.FERRY_VAULT_KEY_FILE;
    delete process.env.CANARY;
  }
  expect(exec.schema.safeParse({ command: ["env"], env: { FERRY_VAULT_KEY_FILE: "x" } }).success).toBe(false);
});

test("input reaches the program, a secret too; one in the command is refused", async () => {
  expect((await perform({ command: ["cat"], input: "two\nlines" })).output).toBe("two\nlines");
  const spec = exec.schema.parse({ command: ["cat"], input: "x" });
  const secret = new Secret("pear tree");
  expect((await exec.run({ ...spec, input: secret as unknown as string }, testContext(workspace.path))).output).toBe(
    "pear tree",
  );
  await expect(
    exec.run({ ...spec, command: ["echo", secret as unknown as string] }, testContext(workspace.path)),
  ).rejects.toMatchObject({ code: "FERRY_TEMPLATE" });
  expect((await perform({ command: ["true"], input: "x".repeat(5_000_000) })).status).toBe(0);
});

test("codes decide what is success, a warning and a failure", async () => {
  const codes = { 3: "warn", 4: "success" };
  expect(await perform({ command: shell("echo odd >&2; exit 3"), codes })).toMatchObject({
    status: 3,
    warning: "sh ended with code 3: odd",
  });
  expect(await perform({ command: shell("exit 4"), codes })).toEqual({ files: [], output: "", status: 4 });
  await expect(
    perform({ command: shell("printf 'bad\\033[31m\\nworse\\n' >&2; exit 5"), codes }),
  ).rejects.toMatchObject({
    code: "FERRY_EXEC_FAILED",
    message: "sh ended with code 5",
    causeText: "bad\\u{1b}[31m | worse",
  });
  await expect(perform({ command: shell("kill -SEGV $$") })).rejects.toMatchObject({
    message: "sh was ended by SIGSEGV",
  });
});

test("a program that cannot be started is a failure with a hint", async () => {
  await writeFile(join(workspace.path, "not-executable"), "#!/bin/sh\n");
  await expect(perform({ command: ["./no-such-program"] })).rejects.toMatchObject({
    code: "FERRY_EXEC_FAILED",
    hint: expect.stringContaining("PATH"),
  });
  await expect(perform({ command: ["./not-executable"] })).rejects.toMatchObject({
    code: "FERRY_EXEC_FAILED",
    hint: expect.stringContaining("chmod"),
  });
  await expect(perform({ command: ["true"], folder: "nowhere" })).rejects.toMatchObject({
    code: "FERRY_FILE_NOT_FOUND",
  });
});

test("a relative program starts at the folder", async () => {
  await writeFile(join(workspace.path, "tell"), "#!/bin/sh\npwd\n");
  await chmod(join(workspace.path, "tell"), 0o755);
  expect((await perform({ command: ["./tell"] })).output).toBe(workspace.path);
});

test("output is kept to the limit, whole characters, and the program runs to its end", async () => {
  const result = await perform({
    command: shell("head -c 3000000 /dev/zero | tr '\\0' a; touch ended"),
    outputLimit: "1KiB",
  });
  expect([result.output, await readdir(workspace.path)]).toEqual(["a".repeat(1024), ["ended"]]);
  expect((await perform({ command: ["printf", "ååå"], outputLimit: "3B" })).output).toBe("å");
});

test("a child left in the background does not hold the task", async () => {
  const { output } = await perform({ command: shell("sleep 20 & echo started $!") });
  process.kill(Number(output?.split(" ")[1]), "SIGKILL");
  expect(output).toMatch(/^started \d+$/);
});

test("at the timeout the program ends with its children and theirs, whatever they say to it", async () => {
  const script = `trap '' TERM; sh -c 'trap "" TERM; sleep 60 & echo $! >> pids; wait' & echo $! >> pids; echo $$ >> pids; wait; sleep 60`;
  const control = new AbortController();
  const reason = new Error("time is over");
  const running = perform({ command: shell(script) }, { signal: control.signal });
  const pids = async (): Promise<number[]> =>
    (await readFile(join(workspace.path, "pids"), "utf8").catch(() => "")).split("\n").filter(Boolean).map(Number);
  while ((await pids()).length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
  control.abort(reason);
  await expect(running).rejects.toBe(reason);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await Promise.all((await pids()).map(lives))).some(Boolean)).toBe(false);
}, 20_000);

test("a task that is cancelled already starts nothing", async () => {
  const reason = new Error("cancelled");
  await expect(perform({ command: ["touch", "x"] }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(await readdir(workspace.path)).toEqual([]);
});

/** Neither running nor anything but a corpse that nobody has collected. */
async function lives(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return status !== undefined && !/\) [ZX] /.test(status);
}
