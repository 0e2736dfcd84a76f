import { relative } from "node:path";
import type { Job } from "../../jobs/job.js";
import type { CommandContext } from "../command.js";
import { withoutSecrets, yamlLines } from "../definition-text.js";
import { EXIT } from "../io.js";
import { dim, type Text } from "../text.js";
import { locate, readDefinitions } from "../workspace.js";
import { jobOf } from "./find.js";

/** `ferry job show NAME`: the job as it is in force. */
export async function showJob(context: CommandContext, name: string): Promise<number> {
  const paths = locate(context);
  const found = jobOf(await readDefinitions(context, paths), name);
  const job: Job = withoutSecrets({ ...found, file: relative(paths.root, found.file) });
  context.print.result({ job }, () => view(job));
  return EXIT.done;
}

function view(job: Job): Text[] {
  const { hash, file, ...rest } = job;
  return [dim(`# ${file}, sha256 ${hash.slice(0, 12)}; durations in milliseconds, sizes in bytes`), ...yamlLines(rest)];
}
