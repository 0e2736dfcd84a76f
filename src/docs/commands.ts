import type { Argument, Command, Option } from "commander";
import { pathOf, starter } from "../cli/command.js";
import type { Io } from "../cli/io.js";
import { buildProgram } from "../cli/program.js";
import { code, GENERATED, markdownTable, page } from "./markdown.js";

const EXITS = [
  ["0", "done"],
  ["1", "the run failed, or a check found something"],
  ["2", "the definitions or the arguments are wrong; there is no workspace"],
  ["3", "the agent is needed and is not running, or the workspace is held by another"],
  ["4", "no such thing: job, run, connection, secret"],
  ["130", "interrupted"],
] as const;

/** docs/reference/commands.md: every command, from the command line itself. */
export function commandsPage(): string {
  const screen = { write: () => {}, isTTY: false, columns: undefined, closed: false };
  const io = { stdout: screen, stderr: screen };
  // Nothing is run: the commands are only described.
  const program = buildProgram(
    io,
    starter(io as unknown as Io, () => {}),
  );
  return page(
    [GENERATED],
    ["# Commands"],
    [program.description()],
    ["## Options of every command"],
    optionTable(program.options),
    ["`NO_COLOR` is honoured. Global options may stand before and after the command."],
    ["## Exit codes"],
    markdownTable(["code", "means"], EXITS),
    ...leaves(program).flatMap(describe),
  );
}

/** Commands that do something, in the order of the help. */
function leaves(command: Command): Command[] {
  const own =
    command.parent !== null && (command.commands.length === 0 || DOES_BY_ITSELF.has(command.name())) ? [command] : [];
  return [...own, ...command.commands.flatMap((each) => leaves(each))];
}

/** They have commands below them and do something themselves. */
const DOES_BY_ITSELF = new Set(["agent", "history"]);

function describe(command: Command): string[][] {
  const usage = [
    pathOf(command),
    ...command.registeredArguments.map(argumentText),
    ...(command.options.length > 0 ? ["[options]"] : []),
  ].join(" ");
  return [
    [`## ${pathOf(command)}`],
    [`${sentence(command.description())}`],
    ["```", usage, "```"],
    markdownTable(
      ["argument", "is"],
      command.registeredArguments.map((each) => [code(each.name()), describeArgument(each)]),
    ),
    optionTable(command.options),
    after(command),
  ];
}

function argumentText(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
}

function describeArgument(argument: Argument): string {
  const choices = argument.argChoices === undefined ? "" : `: ${argument.argChoices.join(", ")}`;
  return `${argument.description}${choices}`;
}

function optionTable(options: readonly Option[]): string[] {
  const rows = options.map((option) => {
    const choices = option.argChoices === undefined ? "" : `: ${option.argChoices.join(", ")}`;
    const usual = typeof option.defaultValue === "number" ? ` (default ${option.defaultValue})` : "";
    return [code(option.flags), `${option.description}${choices}${usual}`];
  });
  return markdownTable(["option", "does"], rows);
}

/** What stands below a command's help: notes and examples. */
function after(command: Command): string[] {
  let help = "";
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  const own = command.helpInformation();
  const [notes = "", examples = ""] = help.replace(own, "").split(/^Examples?:$/m);
  const lines = examples
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return [notes.trim(), "", "```sh", ...lines, "```"];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
