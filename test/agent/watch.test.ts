import {
  appendFileSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isFinal } from "../../src/runs/run.js";
import type { TestFerry } from "../support/ferry.js";
import { systemAccount } from "../support/servers/account.js";
import { requireServer } from "../support/servers/require-server.js";
import { startVsftpd, type Vsftpd } from "../support/servers/vsftpd.js";
import { deliveries, eventually, ftpsTo, later, outbox, runs, status, WATCHING, workspace } from "./stage.js";

describe.skipIf(!requireServer("vsftpd"))("files in a watched folder, sent to vsftpd over FTPS", () => {
  let server: Vsftpd;
  let folders = 0;
  beforeAll(async () => {
    server = await startVsftpd({ tls: "explicit" });
  });
  afterAll(() => server.stop());

  /** A workspace whose job sends to a folder of its own, `arrived`. */
  function stage(job = WATCHING): {
    readonly ferry: TestFerry;
    arrived(): Record<string, string>;
    arrivedNames(): string[];
  } {
    const name = `in-${++folders}`;
    const folder = join(server.root, name);
    mkdirSync(folder);
    const { uid, gid } = systemAccount();
    chownSync(folder, uid, gid);
    const ferry = outbox(workspace({ "connections.yaml": ftpsTo(server, name), "jobs/outbox.yaml": job }));
    const arrived = (): Record<string, string> =>
      Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")]));
    // Not what is being written: it has gone before it could be read.
    const arrivedNames = (): string[] => readdirSync(folder).filter((file) => !file.startsWith("."));
    return { ferry, arrived, arrivedNames };
  }

  test("a thousand files dropped at once arrive once each", { timeout: 300_000 }, async () => {
    const { ferry, arrived, arrivedNames } = stage();
    const agent = await ferry.agent();
    const files = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`file ${n}.csv`, `row;${n}\n`.repeat(n)]));
    const began = performance.now();
    for (const [name, text] of Object.entries(files)) ferry.write(`outbox/${name}`, text);
    // Looked for in the folder, which is cheaper than asking the history ten times a second for a thousand rows.
    await eventually(() => arrivedNames().length === 1000);
    const seconds = (performance.now() - began) / 1000;
    await ferry.settled();
    await agent.end();
    console.log(`1000 small files from drop to last delivery over vsftpd FTPS: ${seconds.toFixed(1)} s`);
    expect(arrived()).toEqual(files);
    const rows = await deliveries(ferry);
    expect(rows.map((row) => row.remotePath.split("/").at(-1)).toSorted()).toEqual(Object.keys(files).toSorted());
    expect(new Set(rows.map((row) => row.state))).toEqual(new Set(["delivered"]));
    const ends = (await runs(ferry)).map(({ state, error }) =>
      error ? `${state}: ${error.message}: ${error.cause}` : state,
    );
    expect(new Set(ends)).toEqual(new Set(["succeeded"]));
    expect(readdirSync(join(ferry.folder, "outbox"))).toEqual([]);
    expect(readdirSync(join(ferry.folder, "sent"))).toHaveLength(1000);
  });

  test("a file that is written slowly arrives once, and whole", async () => {
    const { ferry, arrived, arrivedNames } = stage();
    await ferry.agent();
    const path = ferry.write("outbox/slow.csv", "");
    const writing = openSync(path, "a");
    for (let part = 1; part <= 3; part++) {
      writeSync(writing, `part ${part}\n`);
      // Looked at twice after the change, and left alone because it is open.
      const before = (await status(ferry)).watchers[0]?.lastSweep;
      await eventually(async () => {
        const [watcher] = (await status(ferry)).watchers;
        return watcher?.pending === 1 && watcher.lastSweep !== before;
      });
      expect(await runs(ferry)).toEqual([]);
    }
    writeSync(writing, "the end\n");
    closeSync(writing);
    await ferry.settled(() => arrivedNames().includes("slow.csv"));
    expect(arrived()).toEqual({ "slow.csv": "part 1\npart 2\npart 3\nthe end\n" });
    expect((await deliveries(ferry)).map((row) => row.state)).toEqual(["delivered"]);
  });

  test("what came while no agent was up arrives when one is, and what was sent before is not sent again", async () => {
    const { ferry, arrived } = stage(WATCHING.replace(", after: { move: sent/ }", ""));
    const first = await ferry.agent();
    ferry.write("outbox/early.csv", "early");
    await eventually(async () => (await deliveries(ferry)).some((row) => row.state === "delivered"));
    await first.end();
    ferry.write("outbox/meanwhile.csv", "meanwhile");
    const second = await ferry.agent();
    await eventually(async () => (await deliveries(ferry)).filter((row) => row.state === "delivered").length === 2);
    await second.end();
    const third = await ferry.agent();
    await eventually(async () => (await status(ferry)).watchers[0]?.lastSweep);
    await third.end();
    expect((await deliveries(ferry)).map((row) => row.localPath.split("/").at(-1)).toSorted()).toEqual([
      "early.csv",
      "meanwhile.csv",
    ]);
    expect(arrived()).toEqual({ "early.csv": "early", "meanwhile.csv": "meanwhile" });
    expect((await runs(ferry)).map((run) => run.state)).toEqual(["succeeded", "succeeded"]);
  });

  test("a file that was sent and changes afterwards is sent once more", async () => {
    const { ferry, arrived } = stage(WATCHING.replace("after: { move: sent/ }", "ifExists: overwrite"));
    await ferry.agent();
    const path = ferry.write("outbox/log.csv", "one\n");
    await eventually(async () => (await deliveries(ferry)).some((row) => row.state === "delivered"));
    appendFileSync(path, "two\n");
    await eventually(async () => (await deliveries(ferry)).filter((row) => row.state === "delivered").length === 2);
    await ferry.settled();
    expect(arrived()).toEqual({ "log.csv": "one\ntwo\n" });
    expect((await runs(ferry)).every((run) => isFinal(run.state))).toBe(true);
  });

  test("files dropped while the agent is killed again and again arrive once each", { timeout: 120_000 }, async () => {
    const { ferry, arrived, arrivedNames } = stage();
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`${n}.csv`, `${n}\n`.repeat(500)]));
    const names = Object.keys(files);
    for (let round = 0; round < 5; round++) {
      const agent = await ferry.agent();
      const before = arrivedNames().length;
      for (const name of names.splice(0, 8)) ferry.write(`outbox/${name}`, files[name] ?? "");
      await eventually(() => arrivedNames().length > before + round);
      await agent.end("SIGKILL");
    }
    const agent = await ferry.agent();
    later(() => agent.end());
    await eventually(async () => readdirSync(join(ferry.folder, "outbox")).length === 0);
    await ferry.settled();
    expect(arrived()).toEqual(files);
    const delivered = (await deliveries(ferry)).filter((row) => row.state === "delivered");
    expect(delivered.map((row) => row.remotePath.split("/").at(-1)).toSorted()).toEqual(Object.keys(files).toSorted());
  });
});
