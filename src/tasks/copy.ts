import { z } from "zod";
import { copyContent } from "./copy-content.js";
import { makeFiles } from "./make-files.js";
import { outputFields } from "./output.js";
import { selectionFields } from "./selection.js";
import { defineTask } from "./task.js";

/** Copies with the modification time kept. */
export const copy = defineTask({
  type: "copy",
  description: "Copies local files; nobody sees a copy before it is complete.",
  schema: z.strictObject({ ...selectionFields, ...outputFields }),
  lazy: ["from", "to", "name"],
  repeatable: true,
  run: (spec, context) =>
    makeFiles(context, spec, {
      rename: (name) => name,
      write: (source, temporary) => copyContent(source.path, source.identity, temporary, { signal: context.signal }),
    }),
});
