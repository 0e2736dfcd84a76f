import { type Command, Option } from "commander";
import { positiveNumber, variables } from "./arguments.js";
import { examples, type Start } from "./command.js";
import type { NextOptions } from "./job/next.js";
import type { RunOptions } from "./job/run.js";

/** `ferry job …`. */
export function addJob(program: Command, start: Start): void {
  const job = program
    .command("job")
    .description("the jobs: see, run, cancel, decide what is in doubt")
    .addHelpText("after", examples("ferry job list", "ferry job run nightly-extract"));
  job
    .command("list")
    .description("the jobs, when each fires next, and how it went last")
    .addHelpText("after", examples("ferry job list"))
    .action(start(async (context) => (await import("./job/list.js")).listJobs(context)));
  job
    .command("show")
    .description("one job as it is in force, with its defaults")
    .argument("<name>", "the job")
    .addHelpText("after", examples("ferry job show nightly-extract"))
    .action(start(async (context, name: string) => (await import("./job/show.js")).showJob(context, name)));
  addRun(job, start);
  addNext(job, start);
  job
    .command("cancel")
    .description("end a run: a waiting one is dropped, a running one is brought to a safe point")
    .argument("<run>", "its number", positiveNumber)
    .addHelpText("after", examples("ferry job cancel 42"))
    .action(start(async (context, run: number) => (await import("./job/cancel.js")).cancelRun(context, run)));
  addHeld(job, start);
}

function addRun(job: Command, start: Start): void {
  job
    .command("run")
    .description("run a job now: in this process, or in the agent when one is up")
    .argument("<name>", "the job")
    .option("--var <name=value>", "a variable of the job; may be given several times", variables, {})
    .option("--detach", "hand it to the agent and do not wait")
    .option("--dry-run", "resolve, list and plan, and change nothing")
    .addHelpText(
      "after",
      examples("ferry job run nightly-extract", "ferry job run nightly-extract --var day=20261119 --json"),
    )
    .action(
      start(async (context, name: string, options: RunOptions) =>
        (await import("./job/run.js")).runJob(context, name, options),
      ),
    );
}

function addNext(job: Command, start: Start): void {
  job
    .command("next")
    .description("coming firings with zone and offset, and those that will be skipped, with the reason")
    .argument("[name]", "only this job's")
    .option("--count <n>", "how many", positiveNumber)
    .option("--from <time>", "the first instant; by default now")
    .option("--until <time>", "the last instant")
    .addHelpText(
      "after",
      examples("ferry job next --count 20", "ferry job next nightly-extract --from 2027-03-27 --until 7d"),
    )
    .action(
      start(async (context, name: string | undefined, options: NextOptions) =>
        (await import("./job/next.js")).nextFirings(context, name, options),
      ),
    );
}

function addHeld(job: Command, start: Start): void {
  job
    .command("held")
    .description("deliveries in doubt: they may have arrived, and wait for a person's decision")
    .addHelpText("after", examples("ferry job held"))
    .action(start(async (context) => (await import("./job/held.js")).heldDeliveries(context)));
  job
    .command("resolve")
    .description("decide about a delivery in doubt, after the partner was asked")
    .argument("<run>", "the run that holds it", positiveNumber)
    .argument("<file>", "its base name, or its local or remote path")
    .addOption(
      new Option("--as <decision>", "it arrived, or it shall be sent again at once")
        .choices(["delivered", "resend"])
        .makeOptionMandatory(),
    )
    .addHelpText(
      "after",
      examples("ferry job resolve 42 ledger.csv --as delivered", "ferry job resolve 42 ledger.csv --as resend"),
    )
    .action(
      start(async (context, run: number, file: string, options: { as: "delivered" | "resend" }) =>
        (await import("./job/resolve.js")).resolveDelivery(context, run, file, options.as),
      ),
    );
}
