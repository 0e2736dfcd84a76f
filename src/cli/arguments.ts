import { InvalidArgumentError } from "commander";
import { nearest } from "../base/nearest.js";

/** Readers of arguments and options: what they refuse is told by commander, with the option's name. */

export function positiveNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("A whole number from 1 is expected.");
}

/** `--var day=20261119`, one after the other. */
export function variables(text: string, earlier: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It is written name=value.");
  return { ...earlier, [text.slice(0, at)]: text.slice(at + 1) };
}

/** One of `known`, or several: with commas between, or the option several times. */
export function oneOrMore<Name extends string>(
  known: readonly Name[],
): (text: string, earlier: readonly Name[] | undefined) => readonly Name[] {
  return (text, earlier = []) => {
    const added = text.split(",").map((part) => {
      const found = known.find((name) => name === part.trim());
      if (found !== undefined) return found;
      const near = nearest(part, known);
      throw new InvalidArgumentError(near === undefined ? `There is: ${known.join(", ")}.` : `Did you mean ${near}?`);
    });
    return [...earlier, ...added];
  };
}
