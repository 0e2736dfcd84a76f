import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { withHistory } from "../workspace.js";
import { readRun, runPage } from "./page.js";

/** `ferry history show RUN`. */
export async function showRun(context: CommandContext, id: number): Promise<number> {
  return withHistory(context, async (history, paths) => {
    const document = await readRun(history, id);
    context.print.result(document, () => runPage(document, { workspace: paths.root, failure: "here" }));
    return EXIT.done;
  });
}
