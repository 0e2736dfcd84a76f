import { z } from "zod";
import { AgentError } from "../base/errors.js";
import { isSafeName, visible } from "../base/names.js";
import { makeFolder } from "./local-files.js";
import { localPath } from "./target.js";
import { defineTask } from "./task.js";

export const mkdir = defineTask({
  type: "mkdir",
  description: "Makes a local folder, and those above it; one that is there already is no error.",
  schema: z.strictObject({ path: z.string().min(1).describe("The folder to make.") }),
  lazy: [],
  repeatable: true,
  async run(spec, context) {
    if (!isSafeName(spec.path))
      throw new AgentError("FERRY_NAME_REFUSED", `the path "${visible(spec.path)}" is not accepted`);
    await makeFolder(localPath(context, spec.path));
    return { files: [] };
  },
});
