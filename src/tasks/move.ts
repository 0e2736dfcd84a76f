import { link } from "node:fs/promises";
import { z } from "zod";
import { copyContent } from "./copy-content.js";
import type { TaskFile } from "./files.js";
import { cannotLink, identify, sameContent, sourceChanged, translateSystemError } from "./local-files.js";
import { makeFiles } from "./make-files.js";
import { outputFields } from "./output.js";
import { removeSource } from "./remove-source.js";
import { selectionFields } from "./selection.js";
import { defineTask } from "./task.js";

/** The new name is durable before the old one goes: a crash leaves both, never none. */
export const move = defineTask({
  type: "move",
  description: "Moves local files, also to another file system.",
  schema: z.strictObject({ ...selectionFields, ...outputFields }),
  lazy: ["from", "to", "name"],
  repeatable: true,
  run: (spec, context) =>
    makeFiles(context, spec, {
      rename: (name) => name,
      write: (source, temporary) => secondName(source, temporary, context.signal),
      after: (source) => removeSource(source.path, source.identity),
    }),
});

/** The same file under another name, or a copy where the file system does not link so far. */
async function secondName(source: TaskFile, temporary: string, signal: AbortSignal): Promise<void> {
  const present = await identify(source.path);
  if (!sameContent(present, source.identity)) throw sourceChanged(source.path);
  try {
    await link(source.path, temporary);
  } catch (error) {
    if (!cannotLink(error)) throw translateSystemError(error, source.path);
    return copyContent(source.path, present, temporary, { signal, keepMode: true });
  }
  if (!sameContent(await identify(temporary), source.identity)) throw sourceChanged(source.path);
}
