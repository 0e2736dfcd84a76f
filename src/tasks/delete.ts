import { z } from "zod";
import { visible } from "../base/names.js";
import { gatherFailures } from "./delivery/failures.js";
import { openMade } from "./made.js";
import { removeSource } from "./remove-source.js";
import { selectLocal, whenNothing } from "./select-local.js";
import { selectionFields } from "./selection.js";
import { defineTask } from "./task.js";

/** Regular files only; folders and links stay. A file that changed since it was picked stays, and is a failure. */
export const deleteFiles = defineTask({
  type: "delete",
  description: "Deletes local files; one that is already gone is no error.",
  schema: z.strictObject(selectionFields),
  lazy: ["from"],
  repeatable: true,
  async run(spec, context) {
    const failures = gatherFailures(context.signal);
    let refused = 0;
    const files = await selectLocal(context, spec, (path, error) => {
      refused++;
      failures.add(path, error);
    });
    const made = await openMade(context);
    if (files.length + refused === 0) return whenNothing(spec, "succeed");
    for (const file of files) {
      context.signal.throwIfAborted();
      try {
        await made.taking(file);
        const was = await removeSource(file.path, file.identity);
        context.log("info", `${visible(file.path)} ${was ? "deleted" : "was already gone"}`);
      } catch (error) {
        failures.add(file.path, error);
      }
    }
    failures.throwIfAny(files.length + refused);
    return { files: [] };
  },
});
