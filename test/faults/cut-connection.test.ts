import { watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startRelay } from "../support/relay.js";
import { testAuthority } from "../support/servers/certificates.js";
import { startOpenssh } from "../support/servers/openssh.js";
import { requireServer } from "../support/servers/require-server.js";
import { startVsftpd } from "../support/servers/vsftpd.js";
import { type CutAt, type CuttingRelay, cuttingRelay, dribblingRelay, positions } from "./cuts.js";
import { contentOf, filesIn, later, runJob, type ShownRun, serving, shown, workspace } from "./stage.js";

/**
 * The connection to a real server is cut after k bytes, for many k, with FIN and with RST. One run has a task for each
 * place, with a connection of its own, so that each place has its own session. The first session of each is cut, the
 * second is not: then every file must be there once, and whole. Where all are cut, none may be there but whole.
 */
const CONTENT = Buffer.from(Array.from({ length: 20_000 }, (_, line) => `${line};4711;12.50\n`).join(""));
const TIMEOUT = "timeout: { connect: 5s, reply: 5s, stall: 5s, completion: 5s }";
const PLACES = 25;
type Direction = "upload" | "download";

interface Case {
  readonly id: string;
  readonly channel: "control" | "data";
  readonly cut: CutAt;
}

interface Rig {
  /** The served folder. */
  readonly root: string;
  /** A relay for one case, and the connection through it. */
  connection(
    one: Case | undefined,
    always: boolean,
  ): Promise<{ readonly text: string; readonly relay: CuttingRelay; readonly data: CuttingRelay["passed"] }>;
  /** How often something came into being under `name` in the served folder. */
  published(name: string): number;
}

const SERVERS = [
  { server: "vsftpd over TLS that wants its session resumed", rig: ftpRig, channels: ["control", "data"] },
  { server: "OpenSSH", rig: sftpRig, channels: ["control"] },
] as const;

describe.skipIf(!requireServer("vsftpd", "openssh"))("the connection is cut at any byte", () => {
  describe.each(SERVERS)("$server", ({ rig: start, channels }) => {
    test.each(["upload", "download"] as const)(
      "once, %s: the next try brings it in, once and whole",
      { timeout: 240_000 },
      async (direction) => {
        const rig = await start();
        const cases = await casesFor(rig, direction, channels);
        const { run, ferry } = await runCases(rig, direction, cases, false);
        const outcomes = cases.map((one) => `${one.id}: ${outcomeOf(run, rig, ferry.folder, direction, one)}`);
        expect(outcomes).toEqual(cases.map(({ id }) => `${id}: delivered, whole, 1×`));
        expect(run.run.state).toBe("succeeded");
      },
    );

    test.each(["upload", "download"] as const)(
      "every time, %s: never said to be delivered when it is not, and never in part",
      { timeout: 240_000 },
      async (direction) => {
        const rig = await start();
        const cases = (await casesFor(rig, direction, channels)).filter((_, index) => index % 5 === 0);
        const { run, ferry } = await runCases(rig, direction, cases, true);
        const outcomes = cases.map((one) => `${one.id}: ${outcomeOf(run, rig, ferry.folder, direction, one)}`);
        const allowed =
          /: (?:delivered, whole, 1×|failed FERRY_\w+, absent, 0×|held FERRY_HELD, (?:absent, 0|whole, 1)×)$/;
        expect(outcomes.filter((line) => !allowed.test(line))).toEqual([]);
        // Here, unlike there, it could be taken away.
        expect(filesHere(join(ferry.folder, "in")).filter((path) => path.endsWith(".part"))).toEqual([]);
        expect(outcomes.filter((line) => line.includes("failed")).length).toBeGreaterThan(cases.length / 2);
      },
    );
  });
});

async function casesFor(
  rig: Rig,
  direction: Direction,
  channels: readonly ("control" | "data")[],
): Promise<readonly Case[]> {
  const clean = await rig.connection(undefined, false);
  const { ferry } = await runTasks(rig, direction, [{ id: "clean", connection: clean.text }]);
  ferry.remove();
  const totals = { control: { ...clean.relay.passed }, data: { ...clean.data } };
  return channels.flatMap((channel) =>
    (["up", "down"] as const).flatMap((way, index) =>
      positions(PLACES, totals[channel][way], 4711 + index).map((at, number): Case => {
        const how = number % 2 === 0 ? "fin" : "rst";
        return { id: `${channel}-${way}-${at}-${how}`, channel, cut: { way, at, how } };
      }),
    ),
  );
}

async function runCases(rig: Rig, direction: Direction, cases: readonly Case[], always: boolean) {
  const tasks: { id: string; connection: string }[] = [];
  for (const one of cases) tasks.push({ id: one.id, connection: (await rig.connection(one, always)).text });
  return runTasks(rig, direction, tasks);
}

async function runTasks(rig: Rig, direction: Direction, tasks: readonly { id: string; connection: string }[]) {
  const lines = tasks.map(({ id }) =>
    direction === "upload"
      ? `  - { id: ${id}, onError: continue, upload: { connection: ${id}, from: out/file, name: ${id} } }\n`
      : `  - { id: ${id}, onError: continue, download: { connection: ${id}, from: file-${id}, to: in/${id} } }\n`,
  );
  const ferry = workspace(
    "protocol: local, directory: .",
    `retry: { attempts: 2, delay: 10ms }\ntasks:\n${lines.join("")}`,
    {
      "connections.yaml": `connections:\n${tasks.map(({ id, connection }) => `  ${id}: { ${connection} }\n`).join("")}`,
    },
  );
  ferry.write("out/file", CONTENT);
  if (direction === "download") for (const { id } of tasks) writeFileSync(join(rig.root, `file-${id}`), CONTENT);
  const { run } = await runJob(ferry);
  return { run: await shown(ferry, run.id), ferry };
}

function outcomeOf(
  { tasks, transfers }: ShownRun,
  rig: Rig,
  folder: string,
  direction: Direction,
  { id }: Case,
): string {
  const mine = transfers.filter(({ task }) => task === id);
  const states = mine.map(({ state, error }) =>
    state === "delivered" ? state : `${state} ${error?.hint ? error.code : "WITHOUT A HINT"}`,
  );
  const place = direction === "upload" ? rig.root : join(folder, "in");
  const there = filesHere(place).includes(id);
  const content = there ? (contentOf(place, id).equals(CONTENT) ? "whole" : "NOT WHOLE") : "absent";
  const count = direction === "upload" ? rig.published(id) : Number(there);
  // No session to list with, no plan: only the task tells.
  const task = tasks.find((one) => one.id === id);
  return `${states.join(" and ") || `failed ${task?.error?.hint ? task.error.code : "WITHOUT A HINT"}`}, ${content}, ${count}×`;
}

function filesHere(folder: string): readonly string[] {
  try {
    return filesIn(folder);
  } catch {
    return [];
  }
}

/** The server is on 127.0.0.2; its control port and its passive ports are relayed from 127.0.0.1. */
async function ftpRig(): Promise<Rig> {
  const server = await serving(startVsftpd({ tls: "explicit", requireReuse: true, extra: "listen_address=127.0.0.2" }));
  let dataCut: { readonly cut: CutAt; left: number } | undefined;
  const takeData = (): CutAt | undefined => (dataCut && dataCut.left-- > 0 ? dataCut.cut : undefined);
  const relays: CuttingRelay[] = [];
  for (let port = server.passive.from; port <= server.passive.to; port++) {
    relays.push(await cuttingRelay({ host: "127.0.0.2", port }, port, takeData));
  }
  const passed = { up: 0, down: 0 };
  return {
    root: server.root,
    async connection(one, always) {
      let left = always ? Number.POSITIVE_INFINITY : 1;
      let opened = 0;
      const relay = await cuttingRelay({ host: "127.0.0.2", port: server.port }, 0, () => {
        opened += 1;
        // The tasks follow each other: the data connections to come are this one's.
        if (opened === 1 || always)
          dataCut = one?.channel === "data" ? { cut: one.cut, left: always ? Number.POSITIVE_INFINITY : 1 } : undefined;
        return one?.channel === "control" && left-- > 0 ? one.cut : undefined;
      });
      const { user, password } = server;
      const login = `address: 127.0.0.1, port: ${relay.port}, username: ${user}, password: '${password}'`;
      const text = `protocol: ftp, ${login}, certificates: { ca: ${testAuthority().caFile} }, directory: /, ${TIMEOUT}`;
      return { text, relay, data: largest(relays, passed) };
    },
    published: appearances(server.root),
  };
}

/** The data connection that moved the file, not a listing. */
function largest(relays: readonly CuttingRelay[], passed: { up: number; down: number }): { up: number; down: number } {
  return Object.defineProperties(passed, {
    up: { enumerable: true, get: () => Math.max(...relays.map((relay) => relay.passed.up)) },
    down: { enumerable: true, get: () => Math.max(...relays.map((relay) => relay.passed.down)) },
  });
}

async function sftpRig(): Promise<Rig> {
  const server = await serving(startOpenssh());
  const { user, password, root } = server;
  return {
    root,
    async connection(one, always) {
      let left = always ? Number.POSITIVE_INFINITY : 1;
      const relay = await cuttingRelay({ host: "127.0.0.1", port: server.port }, 0, () =>
        left-- > 0 ? one?.cut : undefined,
      );
      const login = `address: 127.0.0.1, port: ${relay.port}, username: ${user}, password: '${password}'`;
      return {
        text: `protocol: sftp, ${login}, fingerprint: '${server.fingerprints().ed25519}', directory: ${root}, ${TIMEOUT}`,
        ...{ relay, data: { up: 0, down: 0 } },
      };
    },
    published: appearances(server.root),
  };
}

/** Asks the kernel, which tells of every name that is made, by a creation or by a rename. */
function appearances(folder: string): (name: string) => number {
  const counts = new Map<string, number>();
  const watcher = watch(folder, (event, name) => {
    if (event === "rename" && name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  later(() => watcher.close());
  return (name) => counts.get(name) ?? 0;
}

describe.skipIf(!requireServer("vsftpd", "openssh"))("everything comes in single bytes", () => {
  const bytewise = { up: { pieces: 1 }, down: { pieces: 1 } };

  test.each(["none", "explicit"] as const)("from and to vsftpd, tls %s", async (tls) => {
    const server = await serving(startVsftpd({ tls }));
    const relay = await serving(startRelay({ port: server.port }, { interfere: bytewise }));
    const security =
      tls === "none" ? "encryption: { protocol: none }" : `certificates: { ca: ${testAuthority().caFile} }`;
    const login = `address: 127.0.0.1, port: ${relay.port}, username: ${server.user}, password: '${server.password}'`;
    await thereAndBack(`protocol: ftp, ${login}, ${security}, directory: /`, server.root);
  });

  test("from and to OpenSSH", async () => {
    const server = await serving(startOpenssh());
    const relay = await serving(startRelay({ port: server.port }, { interfere: bytewise }));
    const login = `address: 127.0.0.1, port: ${relay.port}, username: ${server.user}, password: '${server.password}'`;
    await thereAndBack(
      `protocol: sftp, ${login}, fingerprint: '${server.fingerprints().ed25519}', directory: ${server.root}`,
      server.root,
    );
  });

  // ssh2 1.17.0 (parseHeader) keeps the first packet of the line and the last, and forgets those between.
  test("OpenSSH's first line, in three packets", async () => {
    const server = await serving(startOpenssh());
    const port = await dribblingRelay({ host: "127.0.0.1", port: server.port }, [5, 12]);
    const login = `address: 127.0.0.1, port: ${port}, username: ${server.user}, password: '${server.password}', timeout: 3s`;
    await thereAndBack(
      `protocol: sftp, ${login}, fingerprint: '${server.fingerprints().ed25519}', directory: ${server.root}`,
      server.root,
    );
  });

  async function thereAndBack(connection: string, root: string): Promise<void> {
    const ferry = workspace(
      connection,
      "retry: { attempts: 1 }\ntasks:\n  - upload: { connection: partner, from: out/a.csv }\n  - download: { connection: partner, from: a.csv, to: in/ }\n",
    );
    const text = "account;amount\n4711;12.50\n";
    ferry.write("out/a.csv", text);
    const { code, transfers } = await runJob(ferry);
    expect({
      code,
      states: transfers.map(({ state, bytes }) => [state, bytes]),
      there: filesIn(root),
      here: contentOf(ferry.folder, "in/a.csv").toString(),
    }).toEqual({
      ...{
        code: 0,
        states: [
          ["delivered", 26],
          ["delivered", 26],
        ],
        there: ["a.csv"],
        here: text,
      },
    });
  }
});
