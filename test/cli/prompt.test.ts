import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { CommandContext } from "../../src/cli/command.js";
import { Interrupted } from "../../src/cli/interrupted.js";
import { askHidden, confirm, readAll } from "../../src/cli/prompt.js";

/** A terminal at which these keys are pressed; `said` is what it shows. */
function terminal(...keys: readonly string[]) {
  const stdin = new PassThrough();
  const said: string[] = [];
  const modes: boolean[] = [];
  const io = { stdin: Object.assign(stdin, { isTTY: true, setRawMode: (on: boolean) => modes.push(on) }) };
  const print = { ask: (text: string) => said.push(text), tell: (text: string) => said.push(text) };
  for (const chunk of keys) stdin.write(chunk);
  return { said, modes, context: { io, print } as unknown as CommandContext };
}

test("what is typed in secret does not appear, can be corrected, and leaves the terminal as it was", async () => {
  const { context, said, modes } = terminal("pearx", "\u007f", " tree\r");
  expect(await askHidden(context, "secret bank: ")).toBe("pear tree");
  expect({ said, modes }).toEqual({ said: ["secret bank: ", ""], modes: [true, false] });
});

test("two answers in one go are two answers", async () => {
  const { context } = terminal("pear tree\npear tree\n");
  expect([await askHidden(context, ""), await askHidden(context, "")]).toEqual(["pear tree", "pear tree"]);
});

test("Ctrl-C and the end of the input interrupt", async () => {
  await expect(askHidden(terminal("pe\u0003").context, "")).rejects.toBeInstanceOf(Interrupted);
  await expect(askHidden(terminal("\u0004").context, "")).rejects.toBeInstanceOf(Interrupted);
});

test("only a yes is a yes", async () => {
  const answers = ["y\n", "YES\n", "\n", "n\n", "yeah\n"];
  expect(await Promise.all(answers.map((answer) => confirm(terminal(answer).context, "sure?")))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("stdin loses one line end, and no more", async () => {
  const all = async (text: string): Promise<string> => {
    const stdin = new PassThrough();
    stdin.end(text);
    return readAll(stdin);
  };
  expect([await all("a\n"), await all("a\r\n"), await all("a\n\n"), await all("a b ")]).toEqual([
    "a",
    "a",
    "a\n",
    "a b ",
  ]);
});
