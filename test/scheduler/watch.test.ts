import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile, chmod, link, mkdir, open, rename, rm, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { watch } from "../../src/scheduler/watch.js";
import { createWorkspace, type Workspace } from "./watch-setup.js";

const run = promisify(execFile);
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

let workspace: Workspace;
let put: (name: string, text?: string) => Promise<void>;

beforeEach(async () => {
  workspace = await createWorkspace();
  put = (name, text = name) => writeFile(join(workspace.outbox, name), text);
  await mkdir(workspace.outbox);
});

afterEach(() => workspace.remove());

describe("files arrive once each", () => {
  test("when 1,000 come at once, in batches", async () => {
    workspace.start({ batch: { window: "300ms", files: 400 } });
    await workspace.sweep();
    const names = Array.from({ length: 1000 }, (_, index) => `${index}.csv`);
    await Promise.all(names.map((name) => put(name)));
    await workspace.count(1000);
    await workspace.sweep();
    const sizes = workspace.marks.runs.map(({ files }) => files?.length ?? 0);
    expect({ taken: workspace.taken().toSorted(), most: Math.max(...sizes) }).toEqual({
      taken: names.toSorted(),
      most: 400,
    });
  });

  test("when they lay there before the start", async () => {
    await put("a.csv");
    await put("b.csv");
    workspace.start();
    await workspace.count(2);
    await workspace.sweep();
    expect(workspace.taken()).toEqual(["a.csv", "b.csv"]);
  });

  test("over a restart, also those that came and went meanwhile", async () => {
    await put("before.csv");
    await put("changed.csv", "old");
    await put("again.csv");
    const first = workspace.start();
    await workspace.count(3);
    await first.stop();
    await put("meanwhile.csv");
    await put("changed.csv", "newer");
    await unlink(join(workspace.outbox, "again.csv"));
    const second = workspace.start();
    await workspace.count(5);
    await workspace.sweep();
    await put("again.csv");
    await workspace.count(6);
    await second.stop();
    expect(workspace.taken().toSorted()).toEqual([
      "again.csv",
      "again.csv",
      "before.csv",
      "changed.csv",
      "changed.csv",
      "meanwhile.csv",
    ]);
  });

  test("when a program writes slowly: only once, and whole", async () => {
    workspace.start();
    await workspace.sweep();
    for (let part = 0; part < 5; part++) {
      await appendFile(join(workspace.outbox, "slow.csv"), "0123456789");
      if (part < 4) await workspace.sweep();
      if (part === 2) await utimes(join(workspace.outbox, "slow.csv"), 0, 0);
    }
    await workspace.count(1);
    await workspace.sweep();
    expect(workspace.marks.runs.map(({ files }) => files?.map(({ version }) => version.size))).toEqual([[50]]);
  });

  test("when a booking fails, without a file being lost", async () => {
    workspace.start();
    await workspace.sweep();
    workspace.marks.failNext(new Error("disk full"));
    await put("a.csv");
    await workspace.count(1);
    const recovered = await workspace.status(({ state }) => state === "watching");
    expect({ taken: workspace.taken(), log: workspace.log, error: recovered.error }).toEqual({
      taken: ["a.csv"],
      log: ["error outbox: watch outbox failed and will be started again: disk full"],
      error: undefined,
    });
  });

  test("without events, by looking at the interval of polling", async () => {
    workspace.start({ polling: "100ms", sweep: "1h" });
    await workspace.sweep();
    await put("share.csv");
    await workspace.count(1);
    expect(workspace.taken()).toEqual(["share.csv"]);
  });

  test("by events, long before the next sweep, also in a new folder below", async () => {
    workspace.start({ sweep: "1h", recursive: true });
    await workspace.status(({ state }) => state === "watching");
    await put("a.csv");
    await workspace.count(1);
    await mkdir(join(workspace.outbox, "new"));
    await workspace.status(
      ({ lastEvent, lastSweep }) => lastEvent !== undefined && lastSweep !== undefined && lastSweep > lastEvent,
    );
    await put("new/b.csv");
    await workspace.count(2);
    expect(workspace.taken()).toEqual(["a.csv", "new/b.csv"]);
  });
});

test("the watched path may itself be a link, and events come through it", async () => {
  await symlink(workspace.outbox, join(workspace.folder, "linked"));
  workspace.start({ path: "linked", sweep: "1h" });
  await workspace.status(({ state }) => state === "watching");
  await put("a.csv");
  await workspace.marks.until(() => workspace.marks.runs.length > 0);
  expect(workspace.marks.runs[0]?.files?.map(({ path }) => path)).toEqual([join(workspace.folder, "linked/a.csv")]);
});

describe("a file that is not ready is waited for", () => {
  test("while a process has it open for writing", async () => {
    const writer = await open(join(workspace.outbox, "open.csv"), "w");
    await writer.write("first half");
    workspace.start();
    await workspace.sweep();
    await put("other.csv");
    await workspace.count(1);
    await workspace.sweep();
    const before = workspace.taken();
    await writer.write(", second half");
    await writer.close();
    await workspace.count(2);
    expect({ before, after: workspace.taken() }).toEqual({ before: ["other.csv"], after: ["other.csv", "open.csv"] });
  });

  test("until its done file stands beside it; the done file itself is none to take", async () => {
    workspace.start({ doneFile: "{{ file.name }}.done" });
    await put("a.csv");
    await put("b.csv");
    await put("b.csv.done");
    await workspace.count(1);
    await workspace.sweep();
    const before = { taken: workspace.taken(), pending: (await workspace.status(() => true)).pending };
    await put("a.csv.done", "");
    await workspace.count(2);
    await workspace.sweep();
    expect({ before, after: workspace.taken() }).toEqual({
      before: { taken: ["b.csv"], pending: 1 },
      after: ["b.csv", "a.csv"],
    });
  });
});

describe("files are consumed by version", () => {
  test("other content counts again, also of the same size and with the old time", async () => {
    const path = join(workspace.outbox, "a.csv");
    await put("a.csv", "one");
    await utimes(path, 1e9, 1e9);
    workspace.start();
    await workspace.count(1);
    workspace.marks.delivered(path, sha256("one"));
    await put("a.csv", "two");
    await utimes(path, 1e9, 1e9);
    await workspace.count(2);
    expect(workspace.taken()).toEqual(["a.csv", "a.csv"]);
  });

  test("what is only touched or written anew with the same content does not", async () => {
    const path = join(workspace.outbox, "a.csv");
    await put("a.csv", "one");
    workspace.start();
    await workspace.count(1);
    workspace.marks.delivered(path, sha256("one"));
    const bookings = workspace.marks.bookings.length;
    await utimes(path, 1e9, 1e9);
    await workspace.marks.until(() => workspace.marks.bookings.length > bookings);
    workspace.marks.delivered(path, sha256("one"));
    await put("fresh.tmp", "one");
    await rename(join(workspace.outbox, "fresh.tmp"), path);
    await workspace.marks.until(() => workspace.marks.bookings.length > bookings + 1);
    await workspace.sweep();
    expect({
      taken: workspace.taken(),
      firings: workspace.marks.bookings.slice(bookings).map(({ firings }) => firings),
    }).toEqual({ taken: ["a.csv"], firings: [[], []] });
  });

  test("the same name with the same content counts again after a sweep saw it gone", async () => {
    const path = join(workspace.outbox, "a.csv");
    await put("a.csv", "one");
    workspace.start();
    await workspace.count(1);
    workspace.marks.delivered(path, sha256("one"));
    await unlink(path);
    await workspace.marks.until(() => workspace.marks.bookings.some(({ mark }) => mark.gone?.includes(path)));
    await put("a.csv", "one");
    await workspace.count(2);
    expect(workspace.taken()).toEqual(["a.csv", "a.csv"]);
  });

  test("the same content counts again at once where Ferry itself moved the source away", async () => {
    const path = join(workspace.outbox, "a.csv");
    await put("a.csv", "one");
    workspace.start({ sweep: "1h" });
    await workspace.count(1);
    workspace.marks.delivered(path, sha256("one"));
    workspace.marks.disposed(path);
    await put("b.tmp", "one");
    await rename(join(workspace.outbox, "b.tmp"), path);
    await workspace.count(2);
    expect(workspace.taken()).toEqual(["a.csv", "a.csv"]);
  });

  test("not what Ferry puts away while the folder is looked at, although it was linked before", async () => {
    const { marks, outbox } = workspace;
    const path = join(outbox, "a.csv");
    await put("a.csv");
    workspace.start();
    await workspace.count(1);
    marks.underWay = async () => true;
    await link(path, join(workspace.folder, "sent.csv"));
    await workspace.sweep();
    const { taken } = marks;
    // The file is in the listing by now, and gone when the marks are read.
    marks.taken = async (...asked) => {
      if (existsSync(path)) {
        await unlink(path);
        marks.disposed(path);
      }
      return taken(...asked);
    };
    await workspace.sweep();
    await workspace.sweep();
    expect([workspace.taken(), existsSync(path)]).toEqual([["a.csv"], false]);
  });

  test("existing: false takes what is there at the first sight silently, and nothing else", async () => {
    await put("old.csv");
    const first = workspace.start({ existing: false });
    await workspace.sweep();
    await put("new.csv");
    await workspace.count(1);
    await first.stop();
    await put("later.csv");
    workspace.start({ existing: false });
    await workspace.count(2);
    await workspace.sweep();
    expect(workspace.taken()).toEqual(["new.csv", "later.csv"]);
  });
});

describe("a folder that is away", () => {
  test("is reported, and watched as soon as it is there", async () => {
    await rm(workspace.outbox, { recursive: true });
    workspace.start();
    const missing = await workspace.status(({ state }) => state === "missing");
    await mkdir(workspace.outbox);
    await put("a.csv");
    await workspace.count(1);
    const back = await workspace.status(({ state }) => state === "watching");
    expect([missing.error, back.error, workspace.taken()]).toEqual(["there is no such folder", undefined, ["a.csv"]]);
  });

  test.each([
    ["while nobody looks", false],
    ["for a while", true],
  ])("and is made anew %s holds new files under the old names", async (_name, seen) => {
    const path = join(workspace.outbox, "a.csv");
    await put("a.csv", "one");
    workspace.start({ sweep: "300ms" });
    await workspace.count(1);
    await put("b.csv");
    await workspace.count(2);
    workspace.marks.delivered(path, sha256("one"));
    await rm(workspace.outbox, { recursive: true });
    if (seen) await workspace.status(({ state }) => state === "missing");
    await mkdir(workspace.outbox);
    await put("a.csv", "one");
    await workspace.count(3);
    await put("c.csv");
    await workspace.count(4);
    expect(workspace.taken()).toEqual(["a.csv", "b.csv", "a.csv", "c.csv"]);
  });

  test("and comes back as it was repeats nothing", async () => {
    await put("a.csv");
    workspace.start();
    await workspace.count(1);
    await rename(workspace.outbox, join(workspace.folder, "elsewhere"));
    await workspace.status(({ state }) => state === "missing");
    await rename(join(workspace.folder, "elsewhere"), workspace.outbox);
    await workspace.status(({ state }) => state === "watching");
    await workspace.sweep();
    expect({ taken: workspace.taken(), gone: workspace.marks.bookings.filter(({ mark }) => mark.gone) }).toEqual({
      taken: ["a.csv"],
      gone: [],
    });
  });

  test("and is replaced by a file is an error", async () => {
    workspace.start();
    await workspace.sweep();
    await rm(workspace.outbox, { recursive: true });
    await writeFile(workspace.outbox, "a file");
    const broken = await workspace.status(({ state }) => state === "error");
    expect(broken.error).toBe("the folder cannot be listed (ENOTDIR)");
  });

  test("and cannot be read is an error, unless one is root", async () => {
    workspace.start({ recursive: true });
    await put("a.csv");
    await workspace.count(1);
    await chmod(workspace.outbox, 0);
    const root = process.getuid?.() === 0;
    const found = await workspace.status(({ state }) => state === (root ? "watching" : "error"));
    await chmod(workspace.outbox, 0o700);
    expect(found.error).toBe(root ? undefined : "the folder cannot be listed (EACCES)");
  });
});

describe("what is no file to take", () => {
  test("links, FIFOs, sockets and folders are passed over, hard links are not", async () => {
    const { outbox } = workspace;
    const outside = join(workspace.folder, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "secret.csv"), "not ours");
    await symlink(join(outside, "secret.csv"), join(outbox, "link.csv"));
    await symlink(outside, join(outbox, "folder-link"));
    await symlink(join(outside, "nothing"), join(outbox, "dangling.csv"));
    await symlink(outbox, join(outbox, "loop"));
    await run("mkfifo", [join(outbox, "fifo.csv")]);
    const server = createServer().listen(join(outbox, "socket.csv"));
    await mkdir(join(outbox, "folder.csv"));
    await mkdir(join(outbox, ".snapshot"));
    await put(".snapshot/old.csv");
    await link(join(outside, "secret.csv"), join(outbox, "hard.csv"));
    await put("folder.csv/below.csv");
    workspace.start({ recursive: true });
    await workspace.count(2);
    await workspace.sweep();
    connect(join(outbox, "socket.csv")).destroy();
    server.close();
    expect(workspace.taken().toSorted()).toEqual(["folder.csv/below.csv", "hard.csv"]);
  });

  test("names that cannot be passed on are reported once, and the others taken", async () => {
    await put("good.csv");
    await put("line\nbreak.csv");
    await put("right\u202eleft.csv");
    await writeFile(
      Buffer.concat([Buffer.from(`${workspace.outbox}/caf`), Buffer.from([0xe9]), Buffer.from(".csv")]),
      "",
    );
    await writeFile(Buffer.concat([Buffer.from(`${workspace.outbox}/not-asked-for`), Buffer.from([0xe9])]), "");
    workspace.start({ include: ["*.csv"] });
    await workspace.count(1);
    await workspace.sweep();
    const { state, error } = await workspace.status(() => true);
    expect({
      taken: workspace.taken(),
      state,
      error: error?.replace(/^.* \(and/, "… (and"),
      log: workspace.log.toSorted(),
    }).toEqual({
      taken: ["good.csv"],
      state: "watching",
      error: "… (and 2 more)",
      log: [
        'warn outbox: watch outbox: the name "caf\\xe9.csv" is not accepted',
        'warn outbox: watch outbox: the name "line\\u{a}break.csv" is not accepted',
        'warn outbox: watch outbox: the name "right\\u{202e}left.csv" is not accepted',
      ],
    });
  });

  test("odd names are taken as they are", async () => {
    const names = [
      "-rf.csv",
      "a b.csv",
      "100%.csv",
      "st*r.csv",
      "~'\"$(x);.csv",
      "back\\slash.csv",
      "e\u0301 é 🚢.csv",
      `${"x".repeat(251)}.csv`,
    ];
    for (const name of names) await put(name);
    workspace.start({ include: ["*"] });
    await workspace.count(names.length);
    expect(workspace.taken().toSorted()).toEqual(names.toSorted());
  });

  test("temporary names are left until they are renamed", async () => {
    for (const name of [".hidden", "~lock", "a.tmp", "b.part", "c.filepart", ".d.csv.7k3q.part"]) await put(name);
    workspace.start();
    await workspace.sweep();
    await rename(join(workspace.outbox, "b.part"), join(workspace.outbox, "b.csv"));
    await workspace.count(1);
    await workspace.sweep();
    expect({ taken: workspace.taken(), pending: (await workspace.status(() => true)).pending }).toEqual({
      taken: ["b.csv"],
      pending: 0,
    });
  });

  test("patterns choose by name, or by path where they have a slash", async () => {
    await mkdir(join(workspace.outbox, "in/deep"), { recursive: true });
    for (const name of ["a.csv", "a.txt", "in/b.csv", "in/deep/c.csv", "in/deep/d.xml", "in/deep/no.xml"])
      await put(name);
    workspace.start({ recursive: true, include: ["*.xml", "in/*.csv", "a.*"], exclude: ["no.*", "**/a.txt"] });
    await workspace.count(3);
    await workspace.sweep();
    expect(workspace.taken().toSorted()).toEqual(["a.csv", "in/b.csv", "in/deep/d.xml"]);
  });

  test("empty: ignore leaves files of zero bytes until they have some", async () => {
    await put("empty.csv", "");
    await put("full.csv");
    workspace.start({ empty: "ignore" });
    await workspace.count(1);
    await workspace.sweep();
    const before = workspace.taken();
    await put("empty.csv", "no more");
    await workspace.count(2);
    expect([before, workspace.taken()]).toEqual([["full.csv"], ["full.csv", "empty.csv"]]);
  });
});

test("a manual run takes what is there and not taken, or whose run failed", async () => {
  const never = await workspace.files({ existing: false });
  for (const name of ["done.csv", "failed.csv"]) await put(name);
  const scheduler = workspace.start();
  await workspace.count(2);
  await scheduler.stop();
  workspace.marks.failed(join(workspace.outbox, "failed.csv"));
  await put("new.csv");
  const writer = await open(join(workspace.outbox, "open.csv"), "w");
  const found = await workspace.files();
  await writer.close();
  await rm(workspace.outbox, { recursive: true });
  expect({ never, found, missing: await workspace.files() }).toEqual({
    never: [],
    found: ["failed.csv", "new.csv"],
    missing: [],
  });
});

describe("what a manual run has taken", () => {
  const TRIGGER = ["outbox", "watch", "watch outbox"] as const;
  /** As storage does, when the run is queued. */
  async function takeNow(): Promise<void> {
    const taken = await watch.files?.(watch.schema.parse({ watch: "outbox" }), workspace.context);
    await workspace.marks.book(...TRIGGER, [], { taken: taken ?? [] });
  }

  test("does not fire the watch any more", async () => {
    workspace.start({ stable: "1s" });
    await workspace.sweep();
    await put("sent.csv");
    await takeNow();
    await put("later.csv");
    await workspace.count(1);
    await workspace.sweep();
    expect(workspace.taken()).toEqual(["later.csv"]);
  });

  test("counts again with the same content, after it was seen gone", async () => {
    const path = join(workspace.outbox, "a.csv");
    workspace.start({ stable: "1s" });
    await workspace.sweep();
    await put("a.csv", "one");
    await takeNow();
    workspace.marks.delivered(path, sha256("one"));
    await unlink(path);
    await workspace.marks.until(() => workspace.marks.bookings.some(({ mark }) => mark.gone?.includes(path)));
    await put("a.csv", "one");
    await workspace.count(1);
    expect(workspace.taken()).toEqual(["a.csv"]);
  });
});

test("what Ferry itself put into the folder is no new file, for the watch and for a manual run", async () => {
  workspace.marks.putThere(join(workspace.outbox, "a.csv.sent"));
  await put("a.csv.sent");
  await put("b.csv");
  const manual = await workspace.files();
  workspace.start();
  await workspace.count(1);
  await workspace.sweep();
  expect({ manual, taken: workspace.taken() }).toEqual({ manual: ["b.csv"], taken: ["b.csv"] });
});

describe("the schema", () => {
  test("fills in every default, also of the short form", () => {
    const defaults = {
      ...{ path: "outbox", exclude: [], recursive: false, stable: 5000, existing: true, polling: false, sweep: 60_000 },
      ...{ batch: { window: 2000, files: 500 }, empty: "accept" },
    };
    expect([watch.schema.parse({ watch: "outbox" }), watch.schema.parse({ watch: { path: "outbox" } })]).toEqual([
      { watch: defaults },
      { watch: defaults },
    ]);
  });
});
