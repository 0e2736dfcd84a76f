import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findWorkspace } from "../../src/workspace/find.js";
import { workspacePaths } from "../../src/workspace/paths.js";
import { checkOwner, makePrivateFile, makeState } from "../../src/workspace/state.js";

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "ferry-workspace-")));
  mkdirSync(join(root, "a/b"), { recursive: true });
  mkdirSync(join(root, "other"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const find = (look: Partial<Parameters<typeof findWorkspace>[0]>): string =>
  findWorkspace({ flag: undefined, env: {}, folder: join(root, "a/b"), ...look });

test.each(["ferry.yaml", "connections.yaml"])("the nearest parent with %s is the workspace", (file) => {
  writeFileSync(join(root, file), "");
  writeFileSync(join(root, "a", file), "");
  expect(find({})).toBe(join(root, "a"));
});

test("the flag goes over FERRY_WORKSPACE, and that over the current folder", () => {
  writeFileSync(join(root, "a/ferry.yaml"), "");
  const env = { FERRY_WORKSPACE: join(root, "other") };
  expect([find({ env }), find({ env, flag: "../.." })]).toEqual([join(root, "other"), root]);
});

test("without a workspace, and with a folder that is none, the command cannot go on", () => {
  const code = (look: Parameters<typeof find>[0]): unknown => {
    try {
      return find(look);
    } catch (error) {
      return error;
    }
  };
  const flag = code({ flag: "nowhere" });
  expect(flag).toMatchObject({
    code: "FERRY_NO_WORKSPACE",
    exitCode: 2,
    message: `${join(root, "a/b/nowhere")}, named by --workspace, is not a folder`,
  });
  expect(code({})).toMatchObject({ code: "FERRY_NO_WORKSPACE" });
});

test("the state is made 0700 and 0600, and made private again", () => {
  const paths = workspacePaths(root);
  mkdirSync(paths.state);
  chmodSync(paths.state, 0o755);
  makeState(paths);
  makePrivateFile(paths.history);
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  expect([paths.state, paths.logs, paths.work, paths.keys, paths.certificates, paths.history].map(mode)).toEqual([
    "700",
    "700",
    "700",
    "700",
    "700",
    "600",
  ]);
});

test("another user's workspace is refused with the owner's name, for root too", () => {
  const paths = workspacePaths(root);
  checkOwner(paths, 0);
  makeState(paths);
  const owner = statSync(paths.state).uid;
  checkOwner(paths, owner);
  expect(() => checkOwner(paths, owner + 1)).toThrow(/belongs to \S+, and this is/);
});

test.skipIf(process.getuid?.() !== 0)("the owner that is named is the one of .ferry", () => {
  const paths = workspacePaths(root);
  makeState(paths);
  chownSync(paths.state, 4242, 4242);
  const refuse = (): void => checkOwner(paths, 0);
  expect(refuse).toThrow(
    expect.objectContaining({ code: "FERRY_WRONG_USER", exitCode: 2, hint: "run the command as user 4242" }),
  );
});
