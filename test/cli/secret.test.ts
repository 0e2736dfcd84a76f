import { expect, test } from "vitest";
import { ferry } from "./terminal.js";
import { environment, workspace } from "./workspace.js";

test("a secret is read from stdin without its line end, listed by name, removed once", async () => {
  const folder = workspace();
  const at = { folder, env: environment() };
  const set = await ferry(["secret", "set", "bank", "--json"], { ...at, stdin: "pear tree\n" });
  expect({ code: set.code, err: set.err, document: set.json() }).toEqual({
    code: 0,
    err: "",
    document: { name: "bank", stored: true },
  });
  const listed = await ferry(["secret", "list", "--json"], at);
  expect(listed.json()).toEqual({ secrets: [{ name: "bank", setAt: expect.stringMatching(/Z$/) }] });
  expect(listed.out + (await ferry(["secret", "list"], at)).out).not.toContain("pear");
  expect((await ferry(["secret", "remove", "bank"], at)).code).toBe(0);
  expect((await ferry(["secret", "remove", "bank"], at)).code).toBe(4);
});

test("a short secret is stored with a warning, an empty one not at all", async () => {
  const at = { folder: workspace(), env: environment() };
  const short = await ferry(["secret", "set", "pin"], { ...at, stdin: "12345" });
  expect({ code: short.code, warned: short.err.startsWith("warning: shorter than 6 characters") }).toEqual({
    code: 0,
    warned: true,
  });
  const empty = await ferry(["secret", "set", "none"], { ...at, stdin: "\n" });
  expect({ code: empty.code, first: empty.err.split("\n")[0] }).toEqual({
    code: 2,
    first: "error[FERRY_USAGE]: the secret none is empty, and nothing was stored",
  });
});

test("a value as an argument is refused", async () => {
  expect((await ferry(["secret", "set", "bank", "pear tree"], { folder: workspace(), stdin: "" })).code).toBe(2);
});

test("a secret of the vault is masked also where a program prints it that was not given it", async () => {
  const job = "tasks: [{ exec: { command: [sh, -c, 'echo pear tree >&2; exit 1'] } }]\n";
  const at = { folder: workspace({ "jobs/say.yaml": job }), env: environment() };
  await ferry(["secret", "set", "bank"], { ...at, stdin: "pear tree" });
  const ran = await ferry(["job", "run", "say", "--json"], at);
  expect(ran.json()).toMatchObject({ run: { error: { code: "FERRY_EXEC_FAILED", cause: "********" } } });
});
