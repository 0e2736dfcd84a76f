import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { TaskFile } from "./files.js";
import { identify, makeFolder, syncFolder, translateSystemError } from "./local-files.js";
import { openOutput, outputFields } from "./output.js";
import { localPath, renderedPath } from "./target.js";
import { defineTask, type TaskContext, type TaskResult } from "./task.js";

const schema = z.strictObject({
  to: z.string().min(1).describe("File to write, or a folder (ending in /) beside `name`."),
  name: outputFields.name,
  text: z.string().describe("What to write."),
  encoding: z
    .enum(["utf-8", "utf-16le", "latin1"])
    .default("utf-8")
    .describe("How the text becomes bytes: utf-8, utf-16le or latin1."),
  append: z.boolean().default(false).describe("Add to the end of the file; a run that dies meanwhile may add twice."),
  ifExists: z
    .enum(["fail", "overwrite", "skip", "rename"])
    .default("fail")
    .describe("When the file exists: fail, overwrite, skip or rename. Not with `append`."),
});
type WriteSpec = z.output<typeof schema>;

export const write = defineTask({
  type: "write",
  description: "Writes a text to a local file.",
  schema,
  lazy: ["to", "name"],
  repeatable: true,
  async run(spec, context) {
    const bytes = Buffer.from(spec.text, spec.encoding);
    return spec.append ? appendText(spec, context, bytes) : writeText(spec, context, bytes);
  },
});

async function writeText(spec: WriteSpec, context: TaskContext, bytes: Buffer): Promise<TaskResult> {
  const source = await sourceOf(spec, context, bytes);
  const output = await openOutput(context, spec);
  const file = await output.write(source, "text", (temporary) => writeFile(temporary, bytes, { flag: "wx" }));
  return file ? { files: [file] } : { files: [], nothing: `${spec.to} exists already, and was left as it is` };
}

/** In place, because others may append to the same file: the system keeps each one's bytes together. */
async function appendText(spec: WriteSpec, context: TaskContext, bytes: Buffer): Promise<TaskResult> {
  const { path } = await sourceOf(spec, context, bytes);
  await makeFolder(dirname(path));
  try {
    const handle = await open(
      path,
      constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    try {
      await handle.appendFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncFolder(dirname(path));
  } catch (error) {
    throw translateSystemError(error, path);
  }
  return { files: [{ path, folder: "", identity: await identify(path), origins: [] }] };
}

/** The text in the place of a source: the same text for the same path is the same source. */
async function sourceOf(spec: WriteSpec, context: TaskContext, bytes: Buffer): Promise<TaskFile> {
  const nowhere: TaskFile = {
    path: "",
    folder: "",
    identity: { size: bytes.length, mtimeNs: "0", ctimeNs: "0", ino: digest(bytes), dev: "text" },
    origins: [],
  };
  const to = await renderedPath(context, spec.to, nowhere);
  const name = spec.name === undefined ? "" : await context.text(spec.name);
  return { ...nowhere, path: localPath(context, join(to, name)) };
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
