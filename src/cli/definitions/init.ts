import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { AgentError, systemCode } from "../../base/errors.js";
import { workspacePaths } from "../../workspace/paths.js";
import { checkOwner, makeState } from "../../workspace/state.js";
import type { CommandContext } from "../command.js";
import { SCHEMAS } from "../definitions.js";
import { EXIT } from "../io.js";
import { dim } from "../text.js";
import { sampleFolders, samples } from "./samples.js";
import { schemaOf } from "./schema.js";

/** `ferry init [DIR]`: a workspace to begin with. Overwrites nothing. */
export async function init(context: CommandContext, folder: string | undefined): Promise<number> {
  const root = resolve(context.io.folder, folder ?? context.workspace ?? ".");
  const there = Object.keys(samples).filter((file) => existsSync(join(root, file)));
  if (there.length > 0) {
    throw new AgentError(
      "FERRY_USAGE",
      `${there.join(", ")} ${there.length === 1 ? "is" : "are"} there already, and nothing was written`,
      {
        where: root,
        hint: "choose another folder; what is there is checked by `ferry validate`",
      },
    );
  }
  const files = await written(root, async () => [
    ...writeSamples(root),
    ...(await writeState(root)),
    ...ignoreState(root),
  ]);
  context.print.result({ workspace: root, files }, () => [
    `made a workspace in ${root}`,
    ...files.map((file) => dim(`  ${file}`)),
    "",
    "Next:",
    "  1. say in connections.yaml how to reach your server",
    "  2. ferry secret set bank",
    "  3. ferry connection test bank",
    "  4. ferry validate && ferry agent",
  ]);
  return EXIT.done;
}

async function written(root: string, work: () => Promise<string[]>): Promise<string[]> {
  try {
    return await work();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new AgentError("FERRY_FILE_REFUSED", `the workspace ${root} cannot be written`, { cause: error });
  }
}

/** Never writable for others, whatever the umask is: `validate` would refuse that. */
function writeSamples(root: string): string[] {
  for (const folder of ["", "jobs", ...sampleFolders]) mkdirSync(join(root, folder), { recursive: true, mode: 0o755 });
  return Object.entries(samples).map(([file, text]) => writeNew(root, file, text));
}

async function writeState(root: string): Promise<string[]> {
  const paths = workspacePaths(root);
  checkOwner(paths, process.getuid?.());
  makeState(paths);
  const schemas = await Promise.all(SCHEMAS.map(async (name) => [name, await schemaOf(name)] as const));
  return schemas.map(([name, schema]) =>
    writeFresh(root, `.ferry/schemas/${name}.json`, `${JSON.stringify(schema, undefined, 2)}\n`),
  );
}

/** The state is of this machine and of this moment, and no part of what is versioned. */
function ignoreState(root: string): string[] {
  const file = join(root, ".gitignore");
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (before.split(/\r?\n/).some((line) => /^\/?\.ferry\/?$/.test(line.trim()))) return [];
  writeFileSync(file, `${before}${before === "" || before.endsWith("\n") ? "" : "\n"}.ferry/\n`, { mode: 0o644 });
  return [".gitignore"];
}

function writeNew(root: string, file: string, text: string): string {
  writeFileSync(join(root, file), text, { mode: 0o644, flag: "wx" });
  return file;
}

function writeFresh(root: string, file: string, text: string): string {
  mkdirSync(dirname(join(root, file)), { recursive: true, mode: 0o700 });
  writeFileSync(join(root, file), text, { mode: 0o600 });
  return file;
}
