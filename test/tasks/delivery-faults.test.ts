import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { AgentError, asAgentError, type ErrorCode } from "../../src/base/errors.js";
import { localDriver } from "../../src/connections/local/driver.js";
import type { RemoteSession } from "../../src/connections/session.js";
import { download } from "../../src/tasks/download.js";
import type { Delivery } from "../../src/tasks/ledger.js";
import { upload } from "../../src/tasks/upload.js";
import { openContext } from "../connections/open-context.js";
import { memoryLedger, testContext, testWorkspace } from "../support/task-context.js";

/** Faults that no cut at a call's edge shows: what stood there before, what others do meanwhile, what a server says half-way. */
let workspace: Awaited<ReturnType<typeof testWorkspace>>;
let ledger: ReturnType<typeof memoryLedger>;
/** Overrides of the sessions, in the order in which they are opened; later ones are as they are. */
let faults: ((real: RemoteSession) => Partial<RemoteSession>)[];
beforeEach(async () => {
  workspace = await testWorkspace();
  ledger = memoryLedger(systemClock);
  faults = [];
  mkdirSync(at("server"));
});
afterEach(() => workspace.close());

test("published directly over an older file of the same size: the cut before any byte is not taken for success", async () => {
  make({ "out/a.csv": "today's", "server/a.csv": "yester.", old: "" });
  faults = [losing("upload")];
  await tries(2, upload, { from: "out/a.csv", publish: "direct", ifExists: "overwrite", after: "delete" });
  expect([states(), read("server/a.csv"), existsSync(at("out/a.csv"))]).toEqual([["delivered"], "today's", false]);
});

test("a file that was left under a temporary name of one's own does not pass for what was sent", async () => {
  make({ "out/a.csv": "today's", "server/a.csv.wip": "yester." });
  faults = [losing("upload")];
  await tries(2, upload, { from: "out/a.csv", publish: { temporary: "{{ file.name }}.wip" } });
  expect([states(), tree("server")]).toEqual([["delivered"], { "a.csv": "today's" }]);
});

test.each(["skip", "fail", "newer"])("published directly, our own half is no reason to %s", async (ifExists) => {
  make({ "out/a.csv": "the whole content" });
  faults = [half("FERRY_SERVER_BUSY")];
  await tries(2, upload, { from: "out/a.csv", publish: "direct", ifExists });
  expect([states(), tree("server")]).toEqual([["delivered"], { "a.csv": "the whole content" }]);
});

test.each<[ErrorCode, boolean]>([
  ["FERRY_SERVER_BUSY", false],
  ["FERRY_LIMIT", false],
  ["FERRY_BUG", true],
])("the rename took effect, its answer was no answer (%s): the file is not sent twice", async (code, alive) => {
  make({ "out/a.csv": "content" });
  faults = [renamedAndTaken(code, alive)];
  const error = await tries(3, upload, { from: "out/a.csv" });
  expect([states(), error?.code, tree("server")]).toEqual([["held"], "FERRY_HELD", {}]);
});

test("a rename that the server refused, and that lives on, has failed", async () => {
  make({ "out/a.csv": "content" });
  const refuse = (): Promise<never> => Promise.reject(new AgentError("FERRY_REMOTE_REFUSED", "550 not allowed"));
  faults = [() => ({ rename: refuse })];
  const error = await tries(1, upload, { from: "out/a.csv" });
  expect([states(), error?.code, tree("server")]).toEqual([["failed"], "FERRY_REMOTE_REFUSED", {}]);
});

test("a rename that was never begun is in no doubt: the file waits under its temporary name for the next try", async () => {
  make({ "out/a.csv": "content" });
  faults = [lostRename("not begun"), lostRename("not begun")];
  const error = await tries(1, upload, { from: "out/a.csv" });
  const before = [states(), error?.code, Object.values(tree("server"))];
  expect(before).toEqual([["sent"], "FERRY_REPLY_TIMEOUT", ["content"]]);
  await tries(1, upload, { from: "out/a.csv" });
  expect([states(), tree("server")]).toEqual([["delivered"], { "a.csv": "content" }]);
});

test("a rename that nobody could be asked for is in no doubt either", async () => {
  make({ "out/a.csv": "content" });
  faults = [gone, refusedToOpen, refusedToOpen];
  const error = await tries(1, upload, { from: "out/a.csv" });
  expect([states(), error?.code]).toEqual([["sent"], "FERRY_CONNECT_REFUSED"]);
});

test("what an earlier rename left in doubt stays so, though the next one was never begun", async () => {
  make({ "out/a.csv": "content" });
  faults = [lostRename("begun"), lostRename("not begun")];
  await tries(1, upload, { from: "out/a.csv" });
  expect(states()).toEqual(["publishing"]);
});

test.each([
  ["upload", upload, { from: ["out/x/a.csv", "out/y/a.csv"], flatten: true, ifExists: "overwrite" }],
  ["download", download, { from: "*/a.csv", flatten: true, ifExists: "overwrite", to: "in/", after: "delete" }],
] as const)("%s: two sources for one target are refused, and none is lost", async (_, kind, spec) => {
  make({ "out/x/a.csv": "one", "out/y/a.csv": "two", "server/x/a.csv": "one", "server/y/a.csv": "two" });
  const error = await tries(1, kind, spec);
  expect([states(), error?.code]).toEqual([["delivered"], "FERRY_TARGET_EXISTS"]);
  expect([read("out/x/a.csv"), read("out/y/a.csv"), existsSync(at("server/y/a.csv"))]).toEqual(["one", "two", true]);
});

test("a download that is taken away in the moment in which it appears is delivered, and fetched no more", async () => {
  make({ "server/a.csv": "content", "in/.keep": "" });
  const taken = memoryLedger(systemClock);
  ledger = { ...taken, rows: taken.rows, advance: consuming(taken.advance) };
  const error = await tries(2, download, { from: "a.csv", to: "in/", after: "delete" });
  expect([states(), error, tree("server")]).toEqual([["delivered"], undefined, {}]);
});

test("a file that was fetched and taken away does not fail the try that fetches the others", async () => {
  make({ "server/a.csv": "a", "server/b.csv": "b" });
  faults = [refusingOnce("b.csv")];
  const spec = download.schema.parse({ connection: "partner", from: "*.csv", to: "in/" });
  const context = contextOf();
  await expect(download.run(spec, context)).rejects.toMatchObject({ code: "FERRY_SERVER_BUSY" });
  rmSync(at("in/a.csv"));
  const result = await download.run(spec, context.again({ attempt: 2 }));
  expect([states(), result.files.map((file) => file.path)]).toEqual([["delivered", "delivered"], [at("in/b.csv")]]);
});

test("a new version that came under the name of the fetched file is not put away", async () => {
  make({ "server/a.csv": "old" });
  faults = [refusing("remove", "FERRY_SERVER_BUSY")];
  const spec = { from: "a.csv", to: "in/", after: "delete" };
  await tries(1, download, spec);
  make({ "server/a.csv": "new and longer" });
  faults = [];
  const error = await tries(1, download, spec);
  expect([error?.code, read("server/a.csv"), read("in/a.csv")]).toEqual([
    "FERRY_DISPOSAL_FAILED",
    "new and longer",
    "old",
  ]);
});

test("names of a server lead nowhere but below the target: not by a stem of two dots, and not through a link", async () => {
  make({ "server/...csv": "x", "server/sub/b.csv": "y", "elsewhere/.keep": "" });
  const climbing = await tries(1, download, { from: "...csv", to: "in/{{ file.stem }}/" });
  const { symlinkSync } = await import("node:fs");
  mkdirSync(at("in"), { recursive: true });
  symlinkSync(at("elsewhere"), at("in/sub"));
  const linked = await tries(1, download, { from: "**/b.csv", to: "in/" });
  expect([climbing?.code, linked?.code, tree("elsewhere")]).toEqual([
    "FERRY_PATH_OUTSIDE",
    "FERRY_PATH_OUTSIDE",
    { ".keep": "" },
  ]);
});

test("moved to where it lay, the source was not put away", async () => {
  make({ "outbox/a.csv": "content" });
  await tries(1, upload, { from: "outbox/a.csv", after: { move: "outbox/" } });
  expect([states(), ledger.rows[0]?.disposedAt, read("outbox/a.csv")]).toEqual([["delivered"], undefined, "content"]);
});

function at(path: string): string {
  return join(workspace.path, path);
}

function make(files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), content);
    // Older than anything that a test sends, so that `newer` sends it.
    if (path.startsWith("server/")) utimesSync(at(path), 1_000_000_000, 1_000_000_000);
  }
}

function read(path: string): string {
  return readFileSync(at(path), "utf8");
}

function tree(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(at(folder)).map((name) => [name, read(`${folder}/${name}`)]));
}

function states(): readonly string[] {
  return ledger.rows.map((row) => row.state);
}

function contextOf() {
  return testContext(workspace.path, { ledger, session: sessions() });
}

/** Up to so many tries, as the run makes them: what may pass is tried again. */
async function tries(
  most: number,
  kind: typeof upload | typeof download,
  spec: object,
): Promise<AgentError | undefined> {
  const parsed = kind.schema.parse({ connection: "partner", ...spec });
  const context = contextOf();
  for (let attempt = 1; ; attempt++) {
    const error = await kind.run(parsed as never, context.again({ attempt })).then(() => undefined, asAgentError);
    if (attempt === most || error?.retry !== "transient") return error;
  }
}

function sessions(): () => Promise<RemoteSession> {
  let current: RemoteSession | undefined;
  const definition = localDriver.schema.parse({ protocol: "local", directory: at("server") });
  return async () => {
    if (current?.alive) return current;
    const real = await localDriver.open(definition, openContext());
    const changes = faults.shift()?.(real) ?? {};
    const facts = real.facts;
    current = Object.defineProperties(
      { ...real },
      {
        ...Object.getOwnPropertyDescriptors({
          get alive() {
            return real.alive;
          },
          facts,
        }),
        ...Object.getOwnPropertyDescriptors(changes),
      },
    ) as RemoteSession;
    return current;
  };
}

/** The connection is lost before the call has any effect. */
function losing(call: "upload") {
  return (): Partial<RemoteSession> => {
    let lost = false;
    return {
      get alive() {
        return !lost;
      },
      [call]: async () => {
        lost = true;
        throw new AgentError("FERRY_CONNECTION_LOST", "lost the connection");
      },
    };
  };
}

function refusing(call: "remove", code: ErrorCode) {
  return (): Partial<RemoteSession> => ({ [call]: () => Promise.reject(new AgentError(code, "450 not now")) });
}

function refusingOnce(name: string) {
  return (real: RemoteSession): Partial<RemoteSession> => {
    let refused = false;
    return {
      async download(path, sink, options) {
        if (refused || !path.endsWith(name)) return real.download(path, sink, options);
        refused = true;
        throw new AgentError("FERRY_SERVER_BUSY", "450 not now");
      },
    };
  };
}

/** The server takes half, and says that it will not take the rest. */
function half(code: ErrorCode) {
  return (real: RemoteSession): Partial<RemoteSession> => {
    let refused = false;
    return {
      async upload(source, path) {
        if (refused) return real.upload(source, path);
        refused = true;
        const chunks: Buffer[] = [];
        for await (const chunk of source) chunks.push(chunk);
        const all = Buffer.concat(chunks);
        await real.upload(asSource(all.subarray(0, all.length / 2)), path);
        throw new AgentError(code, "451 aborted");
      },
      remove: () => Promise.reject(new AgentError("FERRY_SERVER_REFUSED", "550 no deleting here")),
    };
  };
}

async function* asSource(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** The server renames, the partner takes the file, and what comes back is `code`. */
function renamedAndTaken(code: ErrorCode, stays: boolean) {
  return (real: RemoteSession): Partial<RemoteSession> => {
    let alive = true;
    return {
      get alive() {
        return alive;
      },
      async rename(from, to) {
        await real.rename(from, to);
        await real.remove(to);
        alive = stays;
        throw new AgentError(code, "421 going down");
      },
    };
  };
}

/** No answer comes, and nothing is renamed: the server was asked to, or what comes before that had no answer. */
function lostRename(how: "begun" | "not begun") {
  return (real: RemoteSession): Partial<RemoteSession> => {
    let alive = true;
    return {
      get alive() {
        return alive && real.alive;
      },
      async rename() {
        alive = false;
        const error = new AgentError("FERRY_REPLY_TIMEOUT", "no reply within 1000 ms");
        throw how === "begun" ? error : Object.assign(error, { nothingDone: true });
      },
    };
  };
}

/** The server goes once it has told the size, which is the last that is asked before the rename. */
function gone(real: RemoteSession): Partial<RemoteSession> {
  let alive = true;
  return {
    get alive() {
      return alive;
    },
    async size(path) {
      alive = false;
      return real.size(path);
    },
  };
}

function refusedToOpen(): never {
  throw new AgentError("FERRY_CONNECT_REFUSED", "nobody is there");
}

/** Takes every fetched file away as soon as it stands under its name. */
function consuming(advance: typeof ledger.advance): typeof ledger.advance {
  return async (id, change): Promise<Delivery> => {
    if (change.state === "delivered") rmSync(at("in/a.csv"), { force: true });
    return advance(id, change);
  };
}
