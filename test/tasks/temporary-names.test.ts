import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { AgentError } from "../../src/base/errors.js";
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

test("what another file left under a temporary name of one's own is not taken for this one's", async () => {
  await make("out/1.csv", "ONE");
  await make("out/2.csv", "TWO");
  const ledger = memoryLedger(systemClock);
  const options = { session: losing(2), ledger };
  const spec = { connection: "share", from: "out/*", publish: { temporary: "upload.tmp" } };
  await expect(perform(upload, spec, options)).rejects.toMatchObject({ code: "FERRY_CONNECTION_LOST" });
  await expect(perform(upload, spec, { ...options, attempt: 2 })).rejects.toMatchObject({ code: "FERRY_HELD" });
  expect({ states: ledger.rows.map(({ state }) => state), tree: tree("share") }).toEqual({
    states: ["held", "delivered"],
    tree: ["2.csv"],
  });
  expect(readFileSync(at("share/2.csv"), "utf8")).toBe("TWO");
});

test("of two sources of one target the second is refused, also when another try sends it", async () => {
  await make("out/1/a.csv", "one");
  await make("out/2/a.csv", "two!");
  await make("out/3/c.csv", "three");
  const ledger = memoryLedger(systemClock);
  let busy = true;
  const session = async (): Promise<RemoteSession> => {
    const real = await share();
    const { upload: send } = real;
    const refuseOnce: RemoteSession["upload"] = async (source, path, given) => {
      if (!busy || !path.includes("c.csv")) return send(source, path, given);
      busy = false;
      throw new AgentError("FERRY_SERVER_BUSY", "450 later");
    };
    return Object.assign(real, { upload: refuseOnce });
  };
  const spec = { connection: "share", from: "out/**/*.csv", flatten: true, ifExists: "overwrite" };
  for (const attempt of [1, 2]) {
    await expect(perform(upload, spec, { session, ledger, attempt })).rejects.toThrow();
  }
  expect(ledger.rows.map(({ localPath, state }) => `${localPath.slice(-7)} ${state}`)).toEqual([
    "1/a.csv delivered",
    "3/c.csv delivered",
    "2/a.csv failed",
  ]);
  expect(readFileSync(at("share/a.csv"), "utf8")).toBe("one");
});

/** Sessions that end instead of answering to a rename, so many times; the next look for the file fails, too. */
function losing(times: number): () => Promise<RemoteSession> {
  let left = times;
  let isLost = false;
  const gone = (): Promise<never> => Promise.reject(new AgentError("FERRY_CONNECTION_LOST", "cut"));
  return async () => {
    const real = await share();
    const { rename, stat } = real;
    return Object.assign(real, {
      rename: (...given: Parameters<typeof rename>) => {
        if (left === 0) return rename(...given);
        left -= 1;
        isLost = true;
        return gone();
      },
      stat: (path: string) => {
        if (!isLost) return stat(path);
        isLost = false;
        return gone();
      },
    });
  };
}

function share(): Promise<RemoteSession> {
  mkdirSync(at("share"), { recursive: true });
  const definition = localDriver.schema.parse({ protocol: "local", directory: at("share") });
  return localDriver.open(definition, openContext());
}
