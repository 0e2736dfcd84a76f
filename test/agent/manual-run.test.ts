import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TestFerry } from "../support/ferry.js";
import { deliveries, eventually, outbox, runs, status, workspace } from "./stage.js";

/** A watch that sends to a folder here, from which the partner collects. */
function stage(watch: string, upload = ""): TestFerry {
  const ferry = outbox(
    workspace({
      "connections.yaml": "connections: { partner: { protocol: local, directory: server } }\n",
      "jobs/outbox.yaml":
        `triggers: [{ watch: { path: outbox, batch: { window: 0s }, sweep: 1s, ${watch} } }]\nretry: { attempts: 1 }\n` +
        `tasks: [{ upload: { connection: partner${upload} } }]\n`,
    }),
  );
  mkdirSync(join(ferry.folder, "server"));
  return ferry;
}

function collect(ferry: TestFerry): void {
  for (const name of readdirSync(join(ferry.folder, "server"))) rmSync(join(ferry.folder, "server", name));
}

async function sent(ferry: TestFerry): Promise<string[]> {
  const rows = await deliveries(ferry);
  return rows.map((row) => `run ${row.run}: ${row.localPath.split("/").at(-1)} ${row.state}`).toReversed();
}

/** The watch has looked twice since, long after `stable`. */
async function watched(ferry: TestFerry): Promise<void> {
  const sweep = async () => (await status(ferry)).watchers[0]?.lastSweep;
  for (let times = 0; times < 3; times++) {
    const before = await sweep();
    await eventually(async () => (await sweep()) !== before);
  }
}

test("a file that a manual run sent is not sent again by the watch", async () => {
  const ferry = stage("stable: 2s");
  await ferry.agent();
  ferry.write("outbox/a.csv", "one");
  const { code } = await ferry.run(["job", "run", "outbox"]);
  collect(ferry);
  await watched(ferry);
  expect({ code, sent: await sent(ferry), runs: (await runs(ferry)).length }).toEqual({
    code: 0,
    sent: ["run 1: a.csv delivered"],
    runs: 1,
  });
});

test("after a failed run of the watch, a manual run sends the file, and the next ones do not", async () => {
  const ferry = stage("stable: 0s");
  ferry.write("server/a.csv", "in the way");
  await ferry.agent();
  ferry.write("outbox/a.csv", "one");
  await eventually(async () => (await runs(ferry))[0]?.state === "failed");
  const codes: (number | null)[] = [];
  for (let times = 0; times < 3; times++) {
    collect(ferry);
    codes.push((await ferry.run(["job", "run", "outbox"])).code);
  }
  expect({ codes, sent: await sent(ferry) }).toEqual({
    codes: [0, 1, 1],
    sent: ["run 1: a.csv failed", "run 2: a.csv delivered"],
  });
});

test("without an agent, manual runs send each version once, and the agent none of them again", async () => {
  const ferry = stage("stable: 0s");
  ferry.write("outbox/a.csv", "one");
  await ferry.run(["job", "run", "outbox"]);
  collect(ferry);
  await ferry.run(["job", "run", "outbox"]);
  ferry.write("outbox/b.csv", "two");
  await ferry.agent();
  await ferry.settled(() => readdirSync(join(ferry.folder, "server")).length > 0);
  await watched(ferry);
  expect(await sent(ferry)).toEqual(["run 1: a.csv delivered", "run 3: b.csv delivered"]);
});

test("a source that is renamed within the watched folder is not sent under its new name", async () => {
  const ferry = stage("stable: 500ms", ", after: { rename: '{{ file.name }}.sent' }");
  await ferry.agent();
  ferry.write("outbox/a.csv", "one");
  await eventually(() => readdirSync(join(ferry.folder, "outbox")).includes("a.csv.sent"));
  await watched(ferry);
  expect(await sent(ferry)).toEqual(["run 1: a.csv delivered"]);
});

test.each(["skip", "replace"])("overlap: %s loses no file that comes while a run is going on", async (overlap) => {
  const ferry = stage("stable: 0s");
  ferry.write(
    "jobs/outbox.yaml",
    `overlap: ${overlap}\ntriggers: [{ watch: { path: outbox, batch: { window: 0s }, stable: 0s } }]\n` +
      "tasks: [{ exec: { command: [sh, -c, 'until [ -e go ]; do sleep 0.05; done'] } }, { upload: { connection: partner } }]\n",
  );
  await ferry.agent();
  ferry.write("outbox/a.csv", "one");
  await eventually(async () => (await runs(ferry))[0]?.state === "running");
  ferry.write("outbox/b.csv", "two");
  await eventually(async () => (await runs(ferry)).length === 2);
  ferry.write("go", "");
  await ferry.settled();
  expect(await sent(ferry)).toEqual(["run 1: a.csv delivered", "run 2: b.csv delivered"]);
});
