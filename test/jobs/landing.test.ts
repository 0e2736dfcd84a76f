import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { load } from "./workspace.js";

function problems(watch: string, upload: string, change = (_root: string): void => {}): string[] {
  const text = `triggers: [{ watch: ${watch} }]\ntasks: [{ upload: { connection: bank, ${upload} } }]\n`;
  return load({ "jobs/a.yaml": text }, { change }).problems.map(({ path, severity }) => `${severity} ${path}`);
}

describe("what was sent may not be put back where it counts as new", () => {
  test.each<[string, string, string]>([
    ["the watched folder itself", "outbox", "after: { move: outbox/ }"],
    ["the watched folder, by another spelling", "./outbox/", "after: { move: jobs/../outbox/ }"],
    ["a folder below, where those count", "{ path: outbox, recursive: true }", "after: { move: outbox/sent/ }"],
    ["a path whose name matches", "{ path: outbox, include: ['*.csv'] }", "from: 'x/*', after: { move: outbox/x.csv }"],
    ["a new name that matches", "outbox", "after: { rename: sent.csv }"],
    ["the trigger's files by name", "outbox", "from: '{{ trigger.files }}', after: { move: outbox/ }"],
    ["patterns of folders that cannot tell", "{ path: outbox, include: ['*.csv', 'a/*'] }", "after: { move: outbox/ }"],
  ])("%s", (_title, watch, upload) => {
    expect(problems(watch, upload)).toEqual(["error tasks[0].upload.after"]);
  });

  test("the watched folder, through a link", () => {
    const change = (root: string): void => {
      mkdirSync(join(root, "outbox"));
      symlinkSync("outbox", join(root, "linked"));
    };
    expect(problems("linked", "after: { move: outbox/ }", change)).toEqual(["error tasks[0].upload.after"]);
  });
});

test.each<[string, string, string]>([
  ["another folder", "outbox", "after: { move: sent/ }"],
  ["a folder that only begins alike", "outbox", "after: { move: outbox2/ }"],
  ["the folder above", "out/box", "after: { move: out/ }"],
  ["a folder below that is not looked at", "outbox", "after: { move: outbox/sent/ }"],
  ["a hidden folder below", "{ path: outbox, recursive: true }", "after: { move: outbox/.sent/ }"],
  [
    "a folder below that is left out",
    "{ path: outbox, recursive: true, exclude: ['sent/**'] }",
    "after: { move: outbox/sent/ }",
  ],
  ["a new name that does not match", "{ path: outbox, include: ['*.csv'] }", "after: { rename: done.sent }"],
  ["a new name that is left out", "{ path: outbox, exclude: ['*.sent'] }", "after: { rename: a.sent }"],
  ["a new name that only the run knows", "outbox", "after: { rename: '{{ file.name }}.sent' }"],
  ["files from elsewhere, whose names nobody knows", "outbox", "from: 'in/*', after: { move: outbox/ }"],
  ["a file without its done file", "{ path: outbox, doneFile: '{{ file.name }}.done' }", "after: { rename: a.csv }"],
  ["what is kept", "outbox", "after: keep"],
])("%s is no mistake", (_title, watch, upload) => {
  expect(problems(watch, upload)).toEqual([]);
});
