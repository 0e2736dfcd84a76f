import type { Command } from "commander";
import type { Io } from "./io.js";
import { createPrinter, type Printer, type PrintOptions } from "./print.js";

/** What a command is given to work with. */
export interface CommandContext {
  readonly io: Io;
  readonly print: Printer;
  /** The command in words, for others that have to wait for it: `ferry job run`. */
  readonly command: string;
  /** The value of `--workspace`. */
  readonly workspace: string | undefined;
}

type GlobalOptions = Partial<PrintOptions> & { readonly workspace?: string };

/** Turns the work of a command, which resolves to its exit code, into what commander calls. */
export type Start = <Args extends unknown[]>(
  work: (context: CommandContext, ...args: Args) => Promise<number>,
) => (...args: unknown[]) => Promise<void>;

export function starter(io: Io, ended: (code: number) => void): Start {
  return <Args extends unknown[]>(work: (context: CommandContext, ...args: Args) => Promise<number>) =>
    async (...args) => {
      // commander is typed badly here: it gives the arguments and options that the command declares, then the command.
      const command = args.at(-1) as Command;
      ended(await work(contextOf(io, command), ...(args.slice(0, -1) as Args)));
    };
}

function contextOf(io: Io, command: Command): CommandContext {
  const options = command.optsWithGlobals<GlobalOptions>();
  return {
    io,
    print: createPrinter(io, printOptions(options)),
    command: pathOf(command),
    workspace: options.workspace,
  };
}

/** `ferry job run`. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function printOptions(options: GlobalOptions): PrintOptions {
  return {
    json: options.json ?? false,
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
    color: options.color ?? true,
  };
}

/** The examples below a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\n${lines.length === 1 ? "Example" : "Examples"}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
