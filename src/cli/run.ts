import { CommanderError, type Option } from "commander";
import { AgentError, asAgentError } from "../base/errors.js";
import { starter } from "./command.js";
import { Interrupted } from "./interrupted.js";
import { EXIT, type Io } from "./io.js";
import { createPrinter } from "./print.js";
import { buildProgram } from "./program.js";

/** Runs one command line and resolves to its exit code; every failure has been printed, once. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.done;
  const program = buildProgram(
    io,
    starter(io, (given) => {
      code = given;
    }),
  );
  try {
    await program.parseAsync(globalsFirst(argv, program.options), { from: "user" });
    return code;
  } catch (error) {
    return failed(error, argv, io);
  }
}

/** The global options may stand anywhere; every other one belongs to the command that it follows. */
function globalsFirst(argv: readonly string[], options: readonly Option[]): string[] {
  const globals: string[] = [];
  const others: string[] = [];
  const words = [...argv];
  for (let word = words.shift(); word !== undefined && word !== "--"; word = words.shift()) {
    const said = word;
    const option = options.find((one) => isNamed(one, said) || (one.required && carriesValue(one, said)));
    if (option === undefined) {
      others.push(word);
      continue;
    }
    globals.push(word);
    const value = option.required && isNamed(option, word) ? words.shift() : undefined;
    if (value !== undefined) globals.push(value);
  }
  const end = argv.indexOf("--");
  return [...globals, ...others, ...(end < 0 ? [] : argv.slice(end))];
}

function isNamed({ long, short }: Option, word: string): boolean {
  return word === long || word === short;
}

/** `--workspace=DIR`, `-wDIR`. */
function carriesValue({ long, short }: Option, word: string): boolean {
  if (long !== undefined && word.startsWith(`${long}=`)) return true;
  return short !== undefined && !word.startsWith("--") && word.startsWith(short);
}

const WANTED = new Set(["commander.helpDisplayed", "commander.help", "commander.version"]);

function failed(error: unknown, argv: readonly string[], io: Io): number {
  if (error instanceof CommanderError && error.exitCode === 0 && WANTED.has(error.code)) return EXIT.done;
  if (error instanceof Interrupted) return EXIT.interrupted;
  const known = error instanceof CommanderError ? usageError(error) : asAgentError(error);
  createPrinter(io, asWritten(argv)).error(known);
  return known.exitCode;
}

/** What no command caught, on stderr. */
export function reportBug(error: unknown, io: Io): void {
  createPrinter(io, { json: false, quiet: false, verbose: false, color: true }).error(asAgentError(error));
}

/** commander's words without its `error:`, and its suggestion as the hint. */
function usageError(error: CommanderError): AgentError {
  if (error.code === "commander.help")
    return new AgentError("FERRY_USAGE", "a command is missing", { hint: "see the commands above" });
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const suggestion = /\(Did you mean (.+?)\?\)/.exec(rest.join(" "))?.[1];
  const message = first
    .replace(/\.$/, "")
    .replaceAll("'", '"')
    .replace(/^command-argument /, "");
  return new AgentError(
    "FERRY_USAGE",
    message,
    suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` },
  );
}

/** The global options, read without commander: also an argument list that it refuses decides how that is said. */
function asWritten(argv: readonly string[]): { json: boolean; quiet: boolean; verbose: boolean; color: boolean } {
  const end = argv.indexOf("--");
  const words = new Set(end < 0 ? argv : argv.slice(0, end));
  return {
    json: words.has("--json"),
    quiet: words.has("--quiet"),
    verbose: words.has("--verbose"),
    color: !words.has("--no-color"),
  };
}
