import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { appendFile, readFile, utimes } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { compress } from "../../src/tasks/compress.js";
import { decompress } from "../../src/tasks/decompress.js";
import type { TaskFile } from "../../src/tasks/files.js";
import { identify } from "../../src/tasks/local-files.js";
import { at, make, perform, shown, tree, workbench } from "../support/workbench.js";

workbench();

const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

test("compress makes what gzip accepts, of the same content, and tells where it came from", async () => {
  const content = randomBytes(2_000_000);
  const path = await make("out/ledger.csv", content);
  const result = await perform(compress, { from: "out/*.csv" });
  expect(shown(result)).toEqual([".ferry/work/1/task/ledger.csv.gz"]);
  const [packed] = result.files as [TaskFile];
  execFileSync("gzip", ["-t", packed.path]);
  expect(
    execFileSync("sh", ["-c", 'zcat "$1" | sha256sum', "sh", packed.path], { encoding: "utf8" }).slice(0, 64),
  ).toBe(sha256(content));
  expect([packed.origins, packed.identity]).toEqual([
    [{ path, identity: await identify(path) }],
    await identify(packed.path),
  ]);
});

test("compress and decompress give an empty file back, and the time of the file", async () => {
  const path = await make("out/empty.csv", "");
  await utimes(path, new Date("2024-02-03T04:05:06Z"), new Date("2024-02-03T04:05:06Z"));
  await perform(compress, { from: "out/empty.csv", to: "packed/" });
  await perform(decompress, { from: "packed/*.gz", to: "back/" });
  execFileSync("cmp", [path, at("back/empty.csv")]);
  expect((await identify(at("back/empty.csv"))).mtimeNs).toBe("1706933106000000000");
});

test("compress after: delete removes the source, and a further attempt still gives its result", async () => {
  await make("out/a.csv");
  const first = await perform(compress, { from: "out/*.csv", after: "delete", to: "packed/" });
  expect([
    tree("out"),
    await perform(compress, { from: "out/*.csv", after: "delete", to: "packed/" }, { attempt: 2 }),
  ]).toEqual([[], first]);
});

test("a source that grows while it is read is not taken, and leaves nothing", async () => {
  const path = await make("out/a.csv", randomBytes(8_000_000));
  const growing = perform(compress, { from: "out/*.csv", to: "packed/" });
  const writer = (async () => {
    for (let round = 0; round < 40; round++) await appendFile(path, "more");
  })();
  await expect(growing).rejects.toMatchObject({ code: "FERRY_SOURCE_CHANGED", retry: "transient" });
  await writer;
  expect(tree("packed")).toEqual([]);
});

test.each([
  ["cut off", (packed: Buffer) => packed.subarray(0, packed.length - 20), "ends in the middle"],
  ["not gzip", () => Buffer.from("plain text"), "is not valid gzip"],
  [
    "flipped",
    (packed: Buffer) => Buffer.from(packed.map((byte, index) => (index === packed.length - 6 ? byte ^ 255 : byte))),
    "is not valid gzip",
  ],
  ["empty", () => Buffer.alloc(0), "ends in the middle"],
])("decompress refuses what is %s, and leaves nothing", async (_, harm, words) => {
  await make("in/a.csv.gz", harm(gzipSync(randomBytes(100_000))));
  await expect(perform(decompress, { from: "in/*.gz", to: "out/" })).rejects.toMatchObject({
    code: "FERRY_FILE_DAMAGED",
    message: expect.stringContaining(words),
  });
  expect(tree("out")).toEqual([]);
});

test("decompress takes the suffix off and reads what gzip wrote, several members too", async () => {
  await make("in/a.csv", "first\n");
  execFileSync("sh", ["-c", "gzip -c a.csv > b.tgz; gzip -c a.csv >> b.tgz; gzip a.csv"], { cwd: at("in") });
  expect(shown(await perform(decompress, { from: "in/*", to: "out/" }))).toEqual(["out/a.csv", "out/b.tar"]);
  expect(await readFile(at("out/b.tar"), "utf8")).toBe("first\nfirst\n");
});

test("zstd is refused where Node has none, and levels out of range always", () => {
  const zstd = compress.schema.safeParse({ format: "zstd" });
  const has = "createZstdCompress" in process.getBuiltinModule("node:zlib");
  expect(zstd.success).toBe(has);
  if (!has) expect(zstd.error?.issues[0]).toMatchObject({ path: ["format"], params: { code: "FERRY_NOT_SUPPORTED" } });
  expect(compress.schema.safeParse({ level: 12 }).success).toBe(false);
});

test("a cancelled task stops, leaves no part of a file, and gives the reason", async () => {
  await make("in/a", randomBytes(30_000_000));
  const control = new AbortController();
  const reason = new Error("cancelled by a person");
  const running = perform(compress, { from: "in/*", to: "out/" }, { signal: control.signal });
  setTimeout(() => control.abort(reason), 60);
  await expect(running).rejects.toBe(reason);
  expect(tree("out")).toEqual([]);
});
