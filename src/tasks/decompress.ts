import { z } from "zod";
import { copyContent } from "./copy-content.js";
import { disposeSource } from "./dispose.js";
import { makeFiles } from "./make-files.js";
import { outputFields } from "./output.js";
import { damaged, formatField, packing } from "./packing.js";
import { selectionFields } from "./selection.js";
import { defineTask } from "./task.js";

export const decompress = defineTask({
  type: "decompress",
  description: "Unpacks local files: report.csv.gz becomes report.csv. A damaged one leaves nothing behind.",
  schema: z.strictObject({
    ...selectionFields,
    ...outputFields,
    format: formatField,
    after: z.enum(["keep", "delete"]).default("keep").describe("What becomes of the packed file: keep or delete."),
  }),
  lazy: ["from", "to", "name"],
  repeatable: true,
  run: (spec, context) => {
    const { suffix, unpack } = packing(spec.format);
    return makeFiles(context, spec, {
      rename: (name) => unpackedName(name, suffix),
      write: (source, temporary) =>
        copyContent(source.path, source.identity, temporary, { signal: context.signal, transform: unpack }).catch(
          (error) => {
            throw damaged(error, source.path, spec.format);
          },
        ),
      after: (source) => disposeSource(context, source, spec.after, source),
    });
  },
});

/** `a.csv.gz` is `a.csv`, `a.tgz` is `a.tar`; a name without the suffix stays as it is. */
function unpackedName(name: string, suffix: string): string {
  if (name.toLowerCase().endsWith(suffix) && name.length > suffix.length) return name.slice(0, -suffix.length);
  return suffix === ".gz" ? name.replace(/(?<=.)\.tgz$/i, ".tar") : name;
}
