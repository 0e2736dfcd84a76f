import { stat } from "node:fs/promises";
import { z } from "zod";
import { AgentError, systemCode } from "../base/errors.js";
import { visible } from "../base/names.js";
import { Secret } from "../base/secret.js";
import { size } from "../base/units.js";
import { translateSystemError } from "./local-files.js";
import { type Ended, runProgram } from "./program.js";
import { localPath } from "./target.js";
import { defineTask, type TaskResult } from "./task.js";

const codeMeaning = z.enum(["success", "warn", "fail"]);

const schema = z.strictObject({
  command: z
    .array(z.string())
    .min(1)
    .describe("The program and its arguments, as a list; there is no shell. Lists of files become one argument each."),
  folder: z.string().optional().describe("Folder that the program starts in. By default the workspace."),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected the name of an environment variable"), z.string())
    .default({})
    .refine(
      (env) => !("FERRY_VAULT_KEY_FILE" in env),
      "the vault's key is not for programs: remove FERRY_VAULT_KEY_FILE",
    )
    .describe("Variables besides PATH, HOME, LANG, LC_* and TZ, which are all that it gets of the agent's."),
  input: z.string().optional().describe("Text for its standard input: the place for secrets."),
  codes: z
    .record(z.string().regex(/^\d{1,3}$/, "expected an exit code"), codeMeaning)
    .default({})
    .describe("What exit codes mean: success, warn or fail. By default 0 is success, any other fail."),
  outputLimit: size.default(1024 ** 2).describe("How much of its output is kept for `tasks.<id>.output`."),
});

/** What a program did before the agent died cannot be known, so it is not run again by itself. */
export const exec = defineTask({
  type: "exec",
  description: "Runs a program, without a shell.",
  schema,
  lazy: [],
  repeatable: false,
  async run(spec, context) {
    const [file, ...args] = spec.command.flatMap((part) => argumentsOf(part));
    if (file === undefined || file === "") throw new AgentError("FERRY_EXEC_FAILED", "`command` names no program");
    const folder = localPath(context, spec.folder ?? ".");
    await needFolder(folder);
    const env = { ...inheritedEnvironment(process.env), ...textsOf(spec.env) };
    const input = spec.input === undefined ? undefined : inputOf(spec.input);
    const ended = await runProgram(
      { command: [file, ...args], folder, env, input, outputLimit: spec.outputLimit },
      context.clock,
      context.signal,
    );
    if (ended.outputCut)
      context.log(
        "warn",
        `${visible(file)} wrote more than outputLimit (${spec.outputLimit} bytes); the rest is not kept`,
      );
    return judged(file, ended, spec.codes);
  },
});

/** A text that was one `{{ … }}` arrives as its value: a file is its path, a list several arguments. */
function argumentsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(argumentsOf);
  if (value instanceof Secret)
    throw new AgentError("FERRY_TEMPLATE", "a secret may not stand in `command`", { hint: "pass it by `input`" });
  const text = isFile(value)
    ? value.path
    : typeof value === "object" || value === undefined
      ? undefined
      : String(value);
  if (text === undefined) throw new AgentError("FERRY_TEMPLATE", "a part of `command` yields neither a text nor files");
  if (text.includes("\0")) throw new AgentError("FERRY_EXEC_FAILED", "a part of `command` holds a NUL character");
  return [text];
}

function isFile(value: unknown): value is { readonly path: string } {
  return typeof value === "object" && value !== null && "path" in value && typeof value.path === "string";
}

function textsOf(env: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, argumentsOf(value).join(" ")]));
}

function inputOf(value: unknown): string {
  return value instanceof Secret ? value.reveal() : String(value);
}

const INHERITED = /^(PATH|HOME|LANG|LC_[A-Z]+|TZ|SystemRoot)$/;

/** Nothing else: the agent's own environment may lead to its keys. */
function inheritedEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((pair): pair is [string, string] => INHERITED.test(pair[0]) && pair[1] !== undefined),
  );
}

async function needFolder(path: string): Promise<void> {
  const stats = await stat(path).catch((error) => {
    throw translateSystemError(error, path);
  });
  if (!stats.isDirectory())
    throw new AgentError("FERRY_FILE_NOT_FOUND", `${visible(path)} is not a folder`, { hint: "correct `folder`" });
}

function judged(file: string, ended: Ended, codes: Readonly<Record<string, z.output<typeof codeMeaning>>>): TaskResult {
  const { code, signal, failure } = ended;
  const name = visible(file);
  if (failure !== undefined) throw notStarted(name, failure);
  const words = lastLines(ended.complaint) || lastLines(ended.output);
  const what = code === undefined ? `${name} was ended by ${signal ?? "a signal"}` : `${name} ended with code ${code}`;
  const meaning = code === undefined ? "fail" : (codes[code] ?? (code === 0 ? "success" : "fail"));
  if (meaning === "fail") throw new AgentError("FERRY_EXEC_FAILED", what, words === "" ? {} : { cause: words });
  const result = {
    files: [],
    output: ended.output.replace(/(\r?\n)+$/, ""),
    ...(code === undefined ? {} : { status: code }),
  };
  return meaning === "warn" ? { ...result, warning: words === "" ? what : `${what}: ${words}` } : result;
}

function notStarted(name: string, failure: unknown): AgentError {
  const hints: Readonly<Record<string, string>> = {
    ENOENT:
      "check the program's path in `command`: with a / it starts at `folder`, without it is looked for in PATH; a script also needs the interpreter of its first line",
    EACCES: "make the program executable (chmod +x)",
    E2BIG: "pass the list of files by `input`",
  };
  const hint = hints[systemCode(failure) ?? ""];
  return new AgentError("FERRY_EXEC_FAILED", `${name} could not be started`, {
    cause: failure,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The end of what a program said, on one line and harmless. */
function lastLines(text: string): string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  return lines
    .slice(-5)
    .map((line) => visible(line.replaceAll("\t", " ")))
    .join(" | ");
}
