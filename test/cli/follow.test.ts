import { expect, test } from "vitest";
import { ferry } from "./terminal.js";
import { environment, workspace } from "./workspace.js";

/** Puts another file in the place of the history for a second; whoever has opened the history before notices nothing. */
const COVERING = "cd .ferry && mv history.db kept && echo none > history.db && sleep 1 && mv kept history.db";

test("a run that cannot be watched goes on, is said to, and is told at its end", async () => {
  const folder = workspace({ "jobs/cover.yaml": `tasks: [{ exec: { command: [sh, -c, '${COVERING}'] } }]\n` });
  const { code, out, err } = await ferry(["job", "run", "cover", "--verbose"], { folder, env: environment() });
  expect({ code, page: out.split("\n")[0], warned: err.match(/^warning: .*$/gm) }).toEqual({
    ...{ code: 0, page: "Run 1  cover  succeeded" },
    warned: [`warning: run 1 goes on, but cannot be watched: ${folder}/.ferry/history.db is not a database`],
  });
});
