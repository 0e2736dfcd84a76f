import { defineTrigger } from "./trigger.js";
import { filesNow } from "./watch-files.js";
import { watchFolder } from "./watch-folder.js";
import { watchSchema } from "./watch-schema.js";

export const watch = defineTrigger({
  type: "watch",
  description: "Fires when files are ready in a local folder; each version of a file counts once.",
  schema: watchSchema,
  // By the path alone: with other patterns it is the same trigger still, and what was taken stays taken.
  identity: (spec) => `watch ${spec.watch.path.replace(/(?<=.)\/+$/, "")}`,
  watch: (spec, context) => watchFolder(spec.watch, context),
  files: (spec, context) => filesNow(spec.watch, context),
});
