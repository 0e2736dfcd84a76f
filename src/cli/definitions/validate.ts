import type { Problem } from "../../jobs/problem.js";
import type { CommandContext } from "../command.js";
import { count } from "../figures.js";
import { EXIT } from "../io.js";
import { bold, dim, green, red, type Text, yellow } from "../text.js";
import { locate, readDefinitions } from "../workspace.js";

/** `ferry validate`: every mistake at once. */
export async function validate(context: CommandContext): Promise<number> {
  const definitions = await readDefinitions(context, locate(context));
  const { problems } = definitions;
  const ok = !problems.some((problem) => problem.severity === "error");
  context.print.result({ ok, problems }, () =>
    view(problems, `${count(definitions.connections.size, "connection")}, ${count(definitions.jobs.size, "job")}`),
  );
  return ok ? EXIT.done : EXIT.wrong;
}

function view(problems: readonly Problem[], found: string): Text[] {
  const errors = problems.filter((problem) => problem.severity === "error").length;
  const warnings = problems.length - errors;
  if (problems.length === 0) return [[green("all right"), `: ${found}`]];
  const sum = [
    ...(errors > 0 ? [count(errors, "error")] : []),
    ...(warnings > 0 ? [count(warnings, "warning")] : []),
  ].join(", ");
  return [...problems.flatMap(problemLines), "", errors > 0 ? red(sum) : yellow(sum)];
}

function problemLines(problem: Problem): Text[] {
  const severity = problem.severity === "error" ? red(`error[${problem.code}]`) : yellow(`warning[${problem.code}]`);
  const path = problem.path === "" ? "" : `${problem.path}: `;
  return [
    [bold(`${problem.file}:${problem.line}:${problem.column}`), "  ", severity, `: ${path}${problem.message}`],
    ...(problem.hint === null ? [] : [[dim("    hint: "), problem.hint]]),
  ];
}
