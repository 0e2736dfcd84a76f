import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { catalogue } from "../../src/base/error-catalogue.js";
import { starter } from "../../src/cli/command.js";
import { buildProgram } from "../../src/cli/program.js";
import { ferry } from "./terminal.js";

const nowhere = mkdtempSync(join(tmpdir(), "ferry-cli-"));

test("an unknown option is a usage error with the nearest one, and exit code 2", async () => {
  const { code, out, err } = await ferry(["history", "--stattus", "failed"]);
  expect({ code, out, err }).toEqual({
    code: 2,
    out: "",
    err: 'error[FERRY_USAGE]: unknown option "--stattus"\n  hint: did you mean --status?\n',
  });
});

test("an unknown command is a usage error with the nearest one", async () => {
  const { code, err } = await ferry(["jbo"]);
  expect({ code, err }).toEqual({
    code: 2,
    err: 'error[FERRY_USAGE]: unknown command "jbo"\n  hint: did you mean job?\n',
  });
});

test.each([
  [["history", "show"], 'missing required argument "run"'],
  [["history", "show", "x"], 'value "x" is invalid for argument "run". A whole number from 1 is expected'],
  [["history", "show", "0"], 'value "0" is invalid for argument "run". A whole number from 1 is expected'],
  [["history", "--status", "done"], 'option "--status <states>" argument "done" is invalid'],
  [["history", "--limit", "-3"], 'option "--limit <n>" argument "-3" is invalid'],
  [["job", "run", "j", "--var", "x"], 'option "--var <name=value>" argument "x" is invalid. It is written name=value'],
  [["job", "resolve", "1", "f"], 'required option "--as <decision>" not specified'],
  [["job", "resolve", "1", "f", "--as", "maybe"], 'option "--as <decision>" argument "maybe" is invalid'],
  [["history", "show", "1", "2"], "too many arguments"],
])("%j is a usage error", async (argv, message) => {
  const { code, out, err } = await ferry(argv);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain(`error[FERRY_USAGE]: ${message}`);
});

test("with --json a usage error is one document on stdout, too", async () => {
  const { code, json } = await ferry(["history", "--nonsense", "--json"]);
  expect({ code, document: json() }).toEqual({
    code: 2,
    document: {
      error: {
        code: "FERRY_USAGE",
        message: 'unknown option "--nonsense"',
        cause: null,
        hint: catalogue.FERRY_USAGE.hint,
        where: null,
      },
    },
  });
});

test("half a command shows what there is, and exits with 2", async () => {
  const { code, out, err } = await ferry(["job"]);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain("resolve");
  expect(err).toContain("error[FERRY_USAGE]: a command is missing");
});

test("without a workspace a command ends with 2 and says what to do", async () => {
  const { code, json, err } = await ferry(["history", "--json"], { folder: nowhere });
  expect({ code, error: (json() as { error: { code: string } }).error.code }).toEqual({
    code: 2,
    error: "FERRY_NO_WORKSPACE",
  });
  expect(err).toContain("  hint: run `ferry init`, or name the folder with --workspace\n");
});

test.each([
  [["--json", "history"]],
  [["history", "--json"]],
  [["-w", nowhere, "history", "--json"]],
  [["history", "-w", nowhere, "--json"]],
  [["history", "show", "1", "--workspace", nowhere, "--json"]],
])("global options stand before and after the command: %j", async (argv) => {
  const { json } = await ferry(argv, { folder: nowhere });
  expect(Object.keys(json() as object)).toHaveLength(1);
});

test("version and help go to stdout and are no failure", async () => {
  const version = await ferry(["--version"]);
  expect(version).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: "" });
  const help = await ferry(["job", "run", "--help"]);
  expect(help).toMatchObject({ code: 0, err: "" });
  expect(help.out).toContain("--workspace");
});

test("every command's help has an example", () => {
  const program = buildProgram(
    {
      stdout: { write() {}, isTTY: false, columns: undefined, closed: false },
      stderr: { write() {}, isTTY: false, columns: undefined, closed: false },
    },
    starter({} as never, () => {}),
  );
  const without: string[] = [];
  const look = (command: typeof program): void => {
    let text = "";
    command.configureOutput({
      writeOut: (more) => {
        text += more;
      },
    });
    command.outputHelp();
    if (!/Examples?:\n {2}\S/.test(text)) without.push(command.name());
    for (const each of command.commands) look(each);
  };
  look(program);
  expect(without).toEqual([]);
});

test("dry runs are refused as what a later version brings", async () => {
  const { code, err } = await ferry(["job", "run", "x", "--dry-run"], { folder: nowhere });
  expect({ code, first: err.split("\n")[0] }).toEqual({
    code: 2,
    first: "error[FERRY_NOT_SUPPORTED]: job run --dry-run is not there yet",
  });
});
