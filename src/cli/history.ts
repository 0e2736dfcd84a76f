import type { Command } from "commander";
import { oneOrMore, positiveNumber } from "./arguments.js";
import { examples, type Start } from "./command.js";
import type { FilesOptions } from "./history/files.js";
import type { ListOptions } from "./history/list.js";
import type { LogOptions } from "./history/log.js";
import { DELIVERY_STATES, RUN_STATES } from "./states.js";

const TIMES = `
Times may be given as a date, as ISO 8601, or as a duration such as 12h or 2d (that long ago). Without a zone they are
in this machine's time zone (or that of TZ), as are the times shown. With --json all times are UTC.`;

/** `ferry history …`. */
export function addHistory(program: Command, start: Start): void {
  const history = program
    .command("history")
    .description("what ran, what was moved, and every line that was said")
    .enablePositionalOptions()
    .option("--job <name>", "only runs of this job")
    .option("--status <states>", `only these states: ${RUN_STATES.join(", ")}`, oneOrMore(RUN_STATES))
    .option("--since <time>", "only runs from this time on")
    .option("--until <time>", "only runs up to this time")
    .option("--trigger <kind>", "only runs started by this kind of trigger")
    .option("--limit <n>", "how many at most; by default 50, with --json 10000", positiveNumber)
    .addHelpText("after", TIMES)
    .addHelpText(
      "after",
      examples("ferry history --since 2d", "ferry history --status failed,interrupted", "ferry history show 42"),
    )
    .action(
      start(async (context, options: ListOptions) => (await import("./history/list.js")).listRuns(context, options)),
    );
  history
    .command("show")
    .description("one run: its tasks, its files, what failed and what to do about it")
    .argument("<run>", "its number", positiveNumber)
    .addHelpText("after", examples("ferry history show 42"))
    .action(start(async (context, run: number) => (await import("./history/show.js")).showRun(context, run)));
  addLog(history, start);
  addFiles(history, start);
}

function addLog(history: Command, start: Start): void {
  history
    .command("log")
    .description("the transcript of a run: every command, every reply, and what happened between them")
    .argument("<run>", "its number", positiveNumber)
    .option("--session <n>", "only this session", positiveNumber)
    .option("--task <id>", "only this task")
    .option("--follow", "go on until the run ends; with --json one document a line")
    .addHelpText("after", TIMES)
    .addHelpText("after", examples("ferry history log 42", "ferry history log 42 --session 1 | less"))
    .action(
      start(async (context, run: number, options: LogOptions) =>
        (await import("./history/log.js")).showLog(context, run, options),
      ),
    );
}

function addFiles(history: Command, start: Start): void {
  history
    .command("files")
    .description("where is my file: every delivery, with size, checksum, run and the server's reply")
    .argument("[glob]", "a name or path, local or remote; * and ? stand for anything")
    .option("--connection <name>", "only to or from this connection")
    .option("--since <time>", "only from this time on")
    .option("--status <states>", `only these states: ${DELIVERY_STATES.join(", ")}`, oneOrMore(DELIVERY_STATES))
    .option("--sha256 <hex>", "only this content")
    .option("--limit <n>", "how many at most; by default 200, with --json 10000", positiveNumber)
    .addHelpText("after", TIMES)
    .addHelpText(
      "after",
      examples("ferry history files 'ledger_*.csv'", "ferry history files --status held,failed --since 7d"),
    )
    .action(
      start(async (context, glob: string | undefined, options: FilesOptions) =>
        (await import("./history/files.js")).listFiles(context, glob, options),
      ),
    );
}
