import { describe, expect, test } from "vitest";
import { type Bench, bench, deliveryIn, failure, newRun, running, SECRET, upload, watched } from "./workbench.js";

const due = (text: string) => new Date(text);

test("a firing has one run, however often and by whomever it is booked", async () => {
  const b = bench();
  const firing = { key: "2026-11-20T02:30:00.000Z", dueAt: due("2026-11-20T02:30:00.000Z") };
  const first = await b.storage.queue.book("nightly", "cron", "cron 30 2 * * *", [firing, firing], {
    instant: firing.dueAt,
  });
  await b.reopen();
  const again = await b.storage.queue.book("nightly", "cron", "cron 30 2 * * *", [firing], { instant: firing.dueAt });
  const other = await b.storage.queue.book("other", "cron", "cron 30 2 * * *", [firing], { instant: firing.dueAt });
  expect({ first, again, other }).toEqual({ first: [1], again: [], other: [2] });
  expect(
    await b.storage.queue.enqueue(newRun({ job: "nightly", triggerId: "cron 30 2 * * *", key: firing.key })),
  ).toBeUndefined();
});

test("firings, skipped ones too, and the mark are booked together or not at all", async () => {
  const b = bench();
  const at = due("2026-11-20T02:30:00.000Z");
  const bad = { key: "c", dueAt: at, files: [{ ...watched("/out/x"), version: { size: "no number" } as never }] };
  const skipped = { key: "a", dueAt: at, skip: "missed: the agent was down" };
  const queue = b.storage.queue;
  await expect(
    queue.book("j", "cron", "cron", [skipped, { key: "b", dueAt: at }, bad], { instant: at }),
  ).rejects.toThrow();
  expect({ runs: await b.history.runs({ limit: 9 }), mark: await b.storage.marks.instant("j", "cron") }).toEqual({
    runs: [],
    mark: undefined,
  });

  await queue.book("j", "cron", "cron", [skipped, { key: "b", dueAt: at }], { instant: at });
  const runs = await b.history.runs({ limit: 9 });
  expect(runs.map(({ id, state, reason, scheduledAt }) => ({ id, state, reason, scheduledAt }))).toEqual([
    { id: 2, state: "queued", reason: null, scheduledAt: at.toISOString() },
    { id: 1, state: "skipped", reason: "missed: the agent was down", scheduledAt: at.toISOString() },
  ]);
  expect(await b.storage.marks.instant("j", "cron")).toEqual(at);
});

test("a booking without anything new writes nothing", async () => {
  const b = bench();
  await b.storage.queue.book("j", "watch", "watch out", [], { taken: [] });
  const before = b.sql("SELECT * FROM sqlite_sequence");
  await b.storage.queue.book("j", "watch", "watch out", [], { taken: [], gone: [] });
  expect(b.sql("SELECT * FROM sqlite_sequence")).toEqual(before);
});

test("what waits comes back as it was given, oldest first, after a restart too", async () => {
  const b = bench();
  const run = newRun({
    scheduledAt: due("2026-11-20T02:30:00.000Z"),
    usefulUntil: due("2026-11-20T07:00:00.000Z"),
    files: [watched("/out/ä b.csv")],
    vars: { day: "monday" },
    attempt: 2,
  });
  await b.storage.queue.enqueue(run);
  await b.storage.queue.enqueue(newRun({ key: "later" }));
  await b.reopen();
  const [first, second] = await b.storage.queue.waiting();
  expect(first).toEqual({ ...run, id: 1, queuedAt: b.clock.now(), reason: undefined });
  expect(second?.key).toBe("later");
});

test("a run starts once, and what was dropped does not start", async () => {
  const { storage, history } = bench();
  await storage.queue.enqueue(newRun());
  await storage.queue.enqueue(newRun());
  const { queue } = storage;
  const told = [await queue.start(1, "h"), await queue.start(1, "h"), await queue.drop(1, "skipped", "late: too late")];
  const dropped = [
    await queue.drop(2, "skipped", "overlap: run 1"),
    await queue.drop(2, "cancelled", "x"),
    await queue.start(2, "h"),
  ];
  expect({ told, dropped }).toEqual({ told: [true, false, false], dropped: [true, false, false] });
  expect(await history.run(2)).toMatchObject({
    state: "skipped",
    reason: "overlap: run 1",
    startedAt: null,
    durationMs: null,
  });
});

test("a variable that holds a secret is refused, not kept", async () => {
  const b = bench();
  const refused = b.storage.queue.enqueue(newRun({ vars: { token: SECRET } }));
  await expect(refused).rejects.toMatchObject({ code: "FERRY_USAGE", message: expect.stringContaining("token") });
});

test("a watch that was never seen has no marks, one that took nothing has none taken", async () => {
  const { storage } = bench();
  expect(await storage.marks.taken("j", "watch out")).toBeUndefined();
  await storage.queue.book("j", "watch", "watch out", [], { taken: [] });
  expect(await storage.marks.taken("j", "watch out")).toEqual(new Map());
});

test("versions are taken with their firing, forgotten when gone, and replaced by newer ones", async () => {
  const b = bench();
  const book = (files: ReturnType<typeof watched>[], mark = {}) =>
    b.storage.queue.book(
      "j",
      "watch",
      "watch out",
      [{ key: JSON.stringify(files), dueAt: b.clock.now(), files }],
      mark,
    );
  await book([watched("/out/a"), watched("/out/b")], { taken: [watched("/out/c")] });
  await book([watched("/out/a", 20)], { gone: ["/out/a", "/out/b"] });
  await b.reopen();
  const taken = await b.storage.marks.taken("j", "watch out");
  expect([...(taken ?? [])].map(([path, version]) => [path, version.size])).toEqual([
    ["/out/a", 20],
    ["/out/c", 10],
  ]);
});

test("a version whose file Ferry put away itself counts as not taken, even if the clock stepped back meanwhile", async () => {
  const b = bench();
  const files = ["/out/a", "/out/b", "/out/c"].map((path) => watched(path));
  await b.storage.queue.book("j", "watch", "watch out", [{ key: "k", dueAt: b.clock.now(), files }], {});
  await b.clock.set("2026-11-20T00:00:00.000Z");
  await b.storage.queue.start(1, "h");
  const ledger = b.storage.ledgers.of(1, "push");
  for (const planned of [upload("a"), upload("packed.zip", ["/out/b"])]) {
    const { id } = await ledger.plan(planned);
    for (const state of ["sending", "sent", "publishing", "delivered"] as const) await ledger.advance(id, { state });
    await ledger.disposed(id, undefined);
  }
  const taken = await b.storage.marks.taken("j", "watch out");
  expect([...(taken ?? []).keys()]).toEqual(["/out/c"]);

  await b.storage.queue.book(
    "j",
    "watch",
    "watch out",
    [{ key: "k2", dueAt: b.clock.now(), files: [watched("/out/a")] }],
    {},
  );
  expect([...((await b.storage.marks.taken("j", "watch out")) ?? []).keys()]).toEqual(["/out/a", "/out/c"]);
});

test("the checksum of a delivered version is known, that of another version is not", async () => {
  const b = bench();
  const run = await running(b);
  const ledger = b.storage.ledgers.of(run, "push");
  const { id } = await ledger.plan(upload("a"));
  const { marks } = b.storage;
  expect(await marks.deliveredSha256("nightly", "/out/a", watched("/out/a").version)).toBeUndefined();
  for (const state of ["sending", "sent", "publishing", "delivered"] as const)
    await ledger.advance(id, { state, sha256: "ab12" });
  expect(await marks.deliveredSha256("nightly", "/out/a", watched("/out/a").version)).toBe("ab12");
  expect(await marks.deliveredSha256("nightly", "/out/a", watched("/out/a", 11).version)).toBeUndefined();
});

test("a path is unfinished from when its run failed until a further run took it over", async () => {
  const b = bench();
  const files = [watched("/out/a")];
  const unfinished = async () => [...(await b.storage.marks.unfinished("j", "watch out"))];
  await b.storage.queue.book("j", "watch", "watch out", [{ key: "k", dueAt: b.clock.now(), files }], {});
  const told = [await unfinished()];
  await b.storage.queue.start(1, "h");
  await b.storage.recorder.record({ type: "run-finished", run: 1, state: "failed" });
  told.push(await unfinished());
  const again = await running(b, { job: "j", files });
  told.push(await unfinished());
  await b.storage.recorder.record({ type: "run-finished", run: again, state: "succeeded" });
  told.push(await unfinished());
  expect(told).toEqual([[], ["/out/a"], [], []]);
});

describe("what a manual run takes of a watch", () => {
  const OUT = "watch out";
  const take = (b: Bench, files: ReturnType<typeof watched>[]) =>
    b.storage.queue.enqueue(newRun({ files }), [{ triggerId: OUT, files }]);
  const fire = (b: Bench, files: ReturnType<typeof watched>[], key = JSON.stringify(files)) =>
    b.storage.queue.book("nightly", "watch", OUT, [{ key, dueAt: b.clock.now(), files }], {});
  const filesOf = async (b: Bench) =>
    (await b.storage.queue.waiting()).map(({ id, files }) => [id, ...(files ?? []).map((file) => file.path)]);

  test("counts as taken from then on, for the watch and for further manual runs", async () => {
    const b = bench();
    await take(b, [watched("/out/a"), watched("/out/b")]);
    await b.reopen();
    const booked = [await fire(b, [watched("/out/a")]), await fire(b, [watched("/out/b"), watched("/out/c")])];
    await take(b, [watched("/out/a"), watched("/out/d")]);
    await take(b, [watched("/out/a")]);
    expect({ booked, runs: await filesOf(b) }).toEqual({
      booked: [[], [2]],
      runs: [[1, "/out/a", "/out/b"], [2, "/out/c"], [3, "/out/d"], [4]],
    });
    expect([...((await b.storage.marks.taken("nightly", OUT)) ?? []).keys()]).toEqual([
      ...["/out/a", "/out/b", "/out/c", "/out/d"],
    ]);
  });

  test("is free again in another version, and once it was seen gone", async () => {
    const b = bench();
    await take(b, [watched("/out/a"), watched("/out/b")]);
    await b.storage.queue.book("nightly", "watch", OUT, [], { gone: ["/out/b"] });
    await fire(b, [watched("/out/a", 20), watched("/out/b")]);
    expect(await filesOf(b)).toEqual([
      [1, "/out/a", "/out/b"],
      [2, "/out/a", "/out/b"],
    ]);
  });

  test("and nothing is taken by a run that had been queued before", async () => {
    const b = bench();
    const run = newRun({ files: [watched("/out/a")] });
    await b.storage.queue.enqueue({ ...run, files: undefined });
    expect(await b.storage.queue.enqueue(run, [{ triggerId: OUT, files: [watched("/out/a")] }])).toBeUndefined();
    expect(await b.storage.marks.taken("nightly", OUT)).toBeUndefined();
  });

  test("is what did not arrive, file by file, and what its run never came to", async () => {
    const b = bench();
    const names = ["arrived", "unsure", "left", "failed", "told", "never"].map((name) => `${name}.csv`);
    await fire(
      b,
      names.map((name) => watched(`/out/${name}`)),
    );
    await b.storage.queue.start(1, "h");
    await deliveryIn(b, 1, "delivered", "arrived.csv");
    await deliveryIn(b, 1, "unverified", "unsure.csv");
    await deliveryIn(b, 1, "skipped", "left.csv");
    await deliveryIn(b, 1, "failed", "failed.csv");
    const held = await deliveryIn(b, 1, "held", "told.csv");
    const unfinished = async () => [...(await b.storage.marks.unfinished("nightly", OUT))];
    const told = [await unfinished()];
    await b.storage.recorder.record({ type: "run-finished", run: 1, state: "failed" });
    told.push(await unfinished());
    await b.storage.ledgers.resolveDelivered(held.id, "the partner has it");
    told.push(await unfinished());

    const again = await take(b, [watched("/out/failed.csv"), watched("/out/never.csv"), watched("/out/arrived.csv")]);
    told.push((await filesOf(b)).flat().slice(1).map(String), await unfinished());
    await b.storage.queue.start(again ?? 0, "h");
    await deliveryIn(b, again ?? 0, "delivered", "failed.csv");
    await b.storage.recorder.record({ type: "run-finished", run: again ?? 0, state: "failed" });
    told.push(await unfinished());
    const open = ["/out/failed.csv", "/out/never.csv"];
    expect(told).toEqual([[], open, open, open, [], ["/out/never.csv"]]);
  });

  test("is nothing of what a continuing run, or one that sends again, has taken over", async () => {
    const b = bench();
    const unfinished = async () => [...(await b.storage.marks.unfinished("nightly", OUT))];
    const end = (run: number) => b.storage.recorder.record({ type: "run-finished", run, state: "failed" });
    await fire(b, [watched("/out/a"), watched("/out/b")]);
    await b.storage.queue.start(1, "h");
    await deliveryIn(b, 1, "delivered", "a");
    await b.reopen();
    await b.storage.queue.recover(() => true);
    await b.storage.queue.start(2, "h");
    const held = await deliveryIn(b, 2, "held", "b");
    await end(2);
    const told = [await unfinished()];
    const resending = await b.storage.ledgers.resolveResend(held.id, "it has not");
    told.push(await unfinished());
    await b.storage.queue.start(resending, "h");
    const ledger = b.storage.ledgers.of(resending, "push");
    const again = (await ledger.ofTask()).find((row) => row.runId === resending);
    await ledger.advance(again?.id ?? 0, { state: "failed", error: failure });
    await end(resending);
    told.push(await unfinished());
    expect(told).toEqual([[], [], ["/out/b"]]);
  });

  test("is nothing that was only touched, though the run that sent it failed for another file", async () => {
    const b = bench();
    await fire(b, [watched("/out/a")]);
    await b.storage.queue.start(1, "h");
    await deliveryIn(b, 1, "delivered", "a");
    await b.storage.recorder.record({ type: "run-finished", run: 1, state: "failed" });
    const touched = { ...watched("/out/a"), version: { ...watched("/out/a").version, mtimeNs: "1" } };
    await b.storage.queue.book("nightly", "watch", OUT, [], { taken: [touched] });
    expect(await b.storage.marks.unfinished("nightly", OUT)).toEqual(new Set());
  });
});

test("files that were taken, gone and are back as they were make a run under another key", async () => {
  const b = bench();
  const firing = { key: "k", dueAt: b.clock.now(), files: [watched("/out/a")] };
  const book = (key: string, mark = {}) => b.storage.queue.book("j", "watch", "watch out", [{ ...firing, key }], mark);
  expect([await book("k"), await book("k", { gone: ["/out/a"] }), await book("k@later")]).toEqual([[1], [], [2]]);
});

test("a checksum is that of the job's own last delivery of the path, if it arrived", async () => {
  const b = bench();
  const { version } = watched("/out/a.csv");
  const known = () => b.storage.marks.deliveredSha256("nightly", "/out/a.csv", version);
  await deliveryIn(b, await running(b, { job: "other" }), "delivered");
  const told = [await known()];
  await deliveryIn(b, await running(b), "delivered");
  told.push(await known());
  await deliveryIn(b, await running(b, { job: "other" }), "failed");
  told.push(await known());
  await deliveryIn(b, await running(b), "failed");
  told.push(await known());
  expect(told).toEqual([undefined, "ab12", "ab12", undefined]);
});

test("a source is put away where its job moved it, as it lies there since", async () => {
  const b = bench();
  const run = await running(b);
  const { id } = await deliveryIn(b, run, "delivered");
  const { marks } = b.storage;
  const sent = watched("/out/a.csv.sent");
  const before = await marks.putAway("nightly", sent);
  await b.storage.ledgers.of(run, "push").disposed(id, sent.path);
  const copied = { ...sent, version: { ...sent.version, mtimeNs: "1763605800123456000", ino: "5" } };
  const written = { ...sent, version: { ...sent.version, mtimeNs: "1763605800999999999" } };
  const asked = [
    marks.putAway("nightly", sent),
    marks.putAway("nightly", copied),
    marks.putAway("nightly", written),
    marks.putAway("nightly", watched(sent.path, 11)),
    marks.putAway("nightly", watched("/out/b.csv.sent")),
    marks.putAway("other", sent),
  ];
  expect([before, ...(await Promise.all(asked))]).toEqual([false, true, true, false, false, false, false]);
});
