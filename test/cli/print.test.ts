import { expect, test } from "vitest";
import { AgentError } from "../../src/base/errors.js";
import { createPrinter } from "../../src/cli/print.js";
import { table } from "../../src/cli/table.js";
import { columns, green, plain, shorten } from "../../src/cli/text.js";

const OPTIONS = { json: false, quiet: false, verbose: false, color: true };
const HOSTILE = "a\u001b[2Jb\u009bc\u202ed\ne\u0000";

function terminal(isTTY: boolean, env: Record<string, string> = {}) {
  const said = { out: "", err: "" };
  const screen = (name: keyof typeof said) => ({
    write(text: string): void {
      said[name] += text;
    },
    isTTY,
    columns: isTTY ? 80 : undefined,
    closed: false,
  });
  return { said, io: { stdout: screen("out"), stderr: screen("err"), env } };
}

const dangerous = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

test("nothing from outside moves a cursor or forges a line, in text and in JSON", () => {
  const text = terminal(false);
  createPrinter(text.io, OPTIONS).result({}, () => [
    HOSTILE,
    green(HOSTILE),
    ...table([{ head: "X" }], [[HOSTILE]], 80),
  ]);
  createPrinter(text.io, OPTIONS).error(
    new AgentError("FERRY_SERVER_REFUSED", HOSTILE, { cause: HOSTILE, where: HOSTILE }),
  );
  expect(dangerous.test(text.said.out + text.said.err)).toBe(false);
  expect(text.said.out.split("\n")).toHaveLength(5);

  const json = terminal(false);
  createPrinter(json.io, { ...OPTIONS, json: true }).result({ name: HOSTILE }, () => []);
  expect(dangerous.test(json.said.out)).toBe(false);
  expect(JSON.parse(json.said.out)).toEqual({ name: HOSTILE });
});

test("an error is one line, then where, cause and hint; a long cause cannot pass for a line of ours", () => {
  const { said, io } = terminal(false);
  const cause = "550 first\r\nerror[FERRY_X]: forged\n  hint: forged";
  createPrinter(io, OPTIONS).error(
    new AgentError("FERRY_SERVER_REFUSED", "orders.csv: refused", { cause, where: "task push", hint: "do this" }),
  );
  expect(said).toEqual({
    out: "",
    err: [
      "error[FERRY_SERVER_REFUSED]: orders.csv: refused",
      "  where: task push",
      "  cause: 550 first",
      "         error[FERRY_X]: forged",
      "         hint: forged",
      "  hint: do this",
      "",
    ].join("\n"),
  });
});

test("with --json the error is on stdout only where no document was printed", () => {
  const failure = new AgentError("FERRY_LOGIN_REFUSED", "no");
  const alone = terminal(false);
  createPrinter(alone.io, { ...OPTIONS, json: true }).error(failure);
  expect(Object.keys(JSON.parse(alone.said.out))).toEqual(["error"]);
  const after = terminal(false);
  const print = createPrinter(after.io, { ...OPTIONS, json: true });
  print.result({ run: 1 }, () => []);
  print.error(failure);
  expect(JSON.parse(after.said.out)).toEqual({ run: 1 });
  expect(after.said.err).toContain("error[FERRY_LOGIN_REFUSED]: no");
});

test("colours only on a terminal, and only where nobody said no", () => {
  const printed = (isTTY: boolean, env: Record<string, string>, color = true): string => {
    const { said, io } = terminal(isTTY, env);
    createPrinter(io, { ...OPTIONS, color }).result({}, () => [green("fine")]);
    return said.out;
  };
  expect(printed(true, {})).toBe("\u001b[32mfine\u001b[39m\n");
  const plainly = [
    printed(false, {}),
    printed(true, { NO_COLOR: "1" }),
    printed(true, { TERM: "dumb" }),
    printed(true, {}, false),
  ];
  expect(plainly).toEqual(["fine\n", "fine\n", "fine\n", "fine\n"]);
  expect(printed(true, { NO_COLOR: "" })).toContain("\u001b[32m");
});

test("--quiet silences notes, and neither warnings nor errors", () => {
  const { said, io } = terminal(false);
  const print = createPrinter(io, { ...OPTIONS, quiet: true });
  print.note("a note");
  print.warn("a warning");
  expect(said.err).toBe("warning: a warning\n");
});

test("a table takes from its longest columns until it fits, and says so with an ellipsis", () => {
  const shape = [
    { head: "RUN", align: "right" },
    { head: "FILE", keep: "ends" },
    { head: "REPLY", keep: "start" },
  ] as const;
  const rows = [["7", `${"very-long-".repeat(8)}name.csv`, "226 ".repeat(30)]];
  const lines = table(shape, rows, 80).map(plain);
  expect(lines.every((line) => columns(line) <= 80)).toBe(true);
  expect(lines[1]).toMatch(/^ {2}7 {2}very-long\S*…\S*name\.csv/);
  expect(table(shape, rows, undefined).map(plain)[1]).toContain(rows[0]?.[1]);
});

test("wide letters count for what they take", () => {
  expect([
    columns("日本"),
    columns("e\u0301"),
    shorten("日本語版", 5, "start"),
    shorten("ledger.csv", 6, "end"),
  ]).toEqual([4, 1, "日本…", "…r.csv"]);
});
