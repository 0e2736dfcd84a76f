import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { localDriver } from "../../src/connections/local/driver.js";
import type { RemoteSession } from "../../src/connections/session.js";
import { download } from "../../src/tasks/download.js";
import { upload } from "../../src/tasks/upload.js";
import { openContext } from "../connections/open-context.js";
import { memoryLedger } from "../support/task-context.js";
import { at, make, perform, tree, workbench } from "../support/workbench.js";

workbench();

test("createDirectories makes the folder of a temporary name, too", async () => {
  await make("out/a.csv", "content");
  const ledger = memoryLedger(systemClock);
  const spec = { from: "out/*", to: "in/", publish: { temporary: "tmp/{{ file.name }}.wip" }, createDirectories: true };
  await perform(upload, { connection: "share", ...spec }, { session: share, ledger });
  expect({
    temporary: ledger.rows[0]?.temporaryPath,
    tree: tree("share"),
    folders: readdirSync(at("share/in")),
  }).toEqual({
    temporary: at("share/in/tmp/a.csv.wip"),
    tree: ["in/a.csv"],
    folders: ["a.csv", "tmp"],
  });
});

test("a download may be written under a temporary name of one's own", async () => {
  await make("share/a.csv", "content");
  const ledger = memoryLedger(systemClock);
  const spec = { from: "*.csv", to: "in/", publish: { temporary: "tmp/{{ file.stem }}.wip" } };
  await perform(download, { connection: "share", ...spec }, { session: share, ledger });
  expect({ temporary: ledger.rows[0]?.temporaryPath, tree: tree("in") }).toEqual({
    temporary: at("in/tmp/a.wip"),
    tree: ["a.csv"],
  });
  expect(readFileSync(at("in/a.csv"), "utf8")).toBe("content");
});

test.each([
  ["{{ file.name }}", "FERRY_DEFINITION"],
  ["../{{ file.name }}", "FERRY_NAME_REFUSED"],
])("a temporary name %s of a download is refused", async (temporary, code) => {
  await make("share/a.csv");
  const spec = { connection: "share", from: "*.csv", to: "in/", publish: { temporary } };
  await expect(perform(download, spec, { session: share })).rejects.toMatchObject({ code });
});

function share(): Promise<RemoteSession> {
  mkdirSync(at("share"), { recursive: true });
  const definition = localDriver.schema.parse({ protocol: "local", directory: at("share") });
  return localDriver.open(definition, openContext());
}
