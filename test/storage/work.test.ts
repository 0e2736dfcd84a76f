import { expect, test } from "vitest";
import { type Bench, bench, deliveryIn, failure, newRun, running, upload } from "./workbench.js";

const end = ({ storage }: Bench, run: number, state: "failed" | "succeeded" = "failed") =>
  storage.recorder.record({ type: "run-finished", run, state });
const wanted = async ({ history }: Bench) => [...(await history.wantedWork())];

test("a work folder is wanted by the runs that wait or go on in it, under the number of the first", async () => {
  const b = bench();
  const told: number[][] = [];
  const first = await running(b);
  told.push(await wanted(b));
  await b.reopen();
  await b.storage.queue.recover(() => true);
  told.push(await wanted(b));
  await b.storage.queue.start(first + 1, "h");
  await end(b, first + 1);
  told.push(await wanted(b));
  await b.storage.queue.enqueue(newRun());
  told.push(await wanted(b));
  expect(told).toEqual([[1], [1], [], [3]]);
});

test("a work folder is wanted while a delivery of its runs is held, also again", async () => {
  const b = bench();
  const told: number[][] = [];
  const run = await running(b);
  const { id } = await deliveryIn(b, run, "held");
  await deliveryIn(b, run, "failed", "b.csv");
  await end(b, run);
  told.push(await wanted(b));
  const again = await b.storage.ledgers.resolveResend(id, "they lost it");
  told.push(await wanted(b));
  await b.storage.queue.start(again, "h");
  await b.storage.ledgers.closeOpen(again, failure);
  await end(b, again);
  told.push(await wanted(b));
  const held = await b.storage.ledgers.held(again, "a.csv");
  await b.storage.ledgers.resolveDelivered(held?.id ?? 0, "the partner has it");
  told.push(await wanted(b));
  expect(told).toEqual([[1], [1], [1], []]);
});

test("it is known how a version arrived: by which kind of run, and where its source is", async () => {
  const b = bench();
  const { source } = upload("a.csv");
  if (!("file" in source)) throw new Error("an upload is of a file");
  const { path, identity } = source.file;
  const arrivals = async (job = "nightly", size = identity.size) =>
    b.history.arrivals(job, path, { ...identity, size });
  const first = await running(b);
  const { id } = await deliveryIn(b, first, "delivered");
  await b.storage.ledgers.of(first, "push").disposed(id, "/sent/a.csv");
  await end(b, first);
  const told = [await arrivals()];
  const second = await running(b);
  await deliveryIn(b, second, "delivered");
  await end(b, second, "succeeded");
  told.push(await arrivals(), await arrivals("weekly"), await arrivals("nightly", 11));
  const failed = { whole: false, movedTo: "/sent/a.csv" };
  expect(told).toEqual([[failed], [failed, { whole: true, movedTo: null }], [], []]);
});
