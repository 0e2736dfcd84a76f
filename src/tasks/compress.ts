import { z } from "zod";
import { copyContent } from "./copy-content.js";
import { disposeSource } from "./dispose.js";
import { makeFiles } from "./make-files.js";
import { outputFields } from "./output.js";
import { formatField, levelProblem, packing } from "./packing.js";
import { selectionFields } from "./selection.js";
import { defineTask } from "./task.js";

export const compress = defineTask({
  type: "compress",
  description: "Packs local files, each into one of its own: report.csv becomes report.csv.gz.",
  schema: z
    .strictObject({
      ...selectionFields,
      ...outputFields,
      format: formatField,
      level: z
        .int()
        .min(1)
        .max(22)
        .optional()
        .describe("How hard to try: 1 is fast, 9 (zstd: 22) is small. By default the library's."),
      after: z.enum(["keep", "delete"]).default("keep").describe("What becomes of the source: keep or delete."),
    })
    .superRefine((spec, check) => {
      const message = levelProblem(spec.format, spec.level);
      if (message !== undefined) check.addIssue({ code: "custom", path: ["level"], message });
    }),
  lazy: ["from", "to", "name"],
  repeatable: true,
  run: (spec, context) => {
    const { suffix, pack } = packing(spec.format);
    return makeFiles(context, spec, {
      rename: (name) => name + suffix,
      write: (source, temporary) =>
        copyContent(source.path, source.identity, temporary, {
          signal: context.signal,
          transform: () => pack(spec.level),
        }),
      after: (source) => disposeSource(context, source, spec.after, source),
    });
  },
});
