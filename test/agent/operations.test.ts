import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { TestFerry } from "../support/ferry.js";
import { type ScriptedFtp, scriptedFtp } from "../support/scripted-ftp.js";
import { deliveries, eventually, later, outbox, runs, WATCHING, workspace } from "./stage.js";

/** Goes on until there is a file `go`. */
const WAITING = "exec: { command: [sh, -c, 'until [ -e go ]; do sleep 0.05; done'] }";
const JOBS = {
  "jobs/idle.yaml": "tasks: [{ exec: { command: ['true'] } }]\n",
  "jobs/wait.yaml": `tasks: [{ ${WAITING} }]\n`,
  "jobs/vars.yaml":
    "vars: { day: today, who: nobody }\ntasks: [{ write: { to: out.txt, text: '{{ vars.day }} {{ vars.who }}' } }]\n",
  "jobs/off.yaml": "tasks: [{ exec: { comand: [] } }]\n",
};

async function detached(ferry: TestFerry, job: string): Promise<number> {
  const { code, stdout, stderr } = await ferry.run(["job", "run", job, "--detach", "--json"]);
  if (code !== 0) throw new Error(stderr);
  const told = JSON.parse(stdout);
  return told.run.id ?? told.run;
}

describe("ferry job cancel", () => {
  test("drops a run that waits, and ends one that runs", async () => {
    const ferry = workspace(JOBS);
    await ferry.agent();
    const running = await detached(ferry, "wait");
    const waiting = await detached(ferry, "wait");
    await eventually(async () => (await runs(ferry)).some((run) => run.id === running && run.state === "running"));
    expect((await runs(ferry)).map((run) => run.state)).toEqual(["running", "queued"]);
    expect(await ferry.json("job", "cancel", String(waiting))).toEqual({ run: waiting, state: "cancelled" });
    expect(await ferry.json("job", "cancel", String(running))).toEqual({ run: running, state: "cancelling" });
    await ferry.settled();
    expect((await runs(ferry)).map(({ state }) => state)).toEqual(["cancelled", "cancelled"]);
  });

  test("of a run that has ended, or never was, is refused", async () => {
    const ferry = workspace(JOBS);
    await ferry.agent();
    await ferry.run(["job", "run", "vars"]);
    const over = await ferry.run(["job", "cancel", "1"]);
    const never = await ferry.run(["job", "cancel", "99"]);
    expect([over, never].map(({ code, stderr }) => `${code} ${stderr.split("\n")[0]}`)).toEqual([
      "2 error[FERRY_USAGE]: run 1 has ended already: it is succeeded",
      "4 error[FERRY_NOT_FOUND]: there is no run 99",
    ]);
  });

  test("brings a transfer to an end that the history tells, and the file stays", async () => {
    const { ferry, server } = await partner({ stallAt: "STOR" });
    await ferry.agent();
    ferry.write("outbox/a.csv", "a");
    await server.waitFor("STOR");
    await ferry.run(["job", "cancel", "1"]);
    await ferry.settled();
    expect((await runs(ferry)).map((run) => ({ state: run.state, code: run.error?.code }))).toEqual([
      { state: "cancelled", code: "FERRY_CANCELLED" },
    ]);
    expect((await deliveries(ferry)).map((one) => one.state)).toEqual(["failed"]);
    expect(existsSync(join(ferry.folder, "outbox/a.csv"))).toBe(true);
  });

  test("Ctrl-C in `ferry job run` without an agent cancels the run, and ends with 130", async () => {
    const ferry = workspace(JOBS);
    const interrupt = '"$0" "$@" & until [ -e interrupt ]; do sleep 0.1; done; kill -INT $!; wait $!';
    const ended = ferry.run(["job", "run", "wait"], { under: ["sh", "-c", interrupt] });
    await eventually(() => existsSync(join(ferry.folder, ".ferry/history.db")));
    await eventually(async () => (await runs(ferry)).some((run) => run.state === "running"));
    ferry.write("interrupt", "");
    expect((await ended).code).toBe(130);
    expect((await runs(ferry)).map((run) => run.state)).toEqual(["cancelled"]);
  });
});

describe.each(["an agent", "no agent"])("ferry job resolve, with %s", (who) => {
  const withAgent = who === "an agent";

  test("as delivered: nothing is sent, nothing is held any more, and the source is put away", async () => {
    const { ferry, server } = await held(withAgent);
    const { code } = await ferry.run(["job", "resolve", "1", "a.csv", "--as", "delivered"]);
    expect(code).toBe(0);
    expect((await deliveries(ferry)).map((one) => one.state)).toEqual(["delivered"]);
    expect(await ferry.json("job", "held")).toEqual({ held: [] });
    expect(published(server)).toBe(1);
    expect(["outbox/a.csv", "sent/a.csv"].map((path) => existsSync(join(ferry.folder, path)))).toEqual([false, true]);
  });

  test("as resend: it is sent once more at once", async () => {
    const { ferry, server } = await held(withAgent);
    const { code, stderr } = await ferry.run(["job", "resolve", "1", "a.csv", "--as", "resend"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
    await ferry.settled();
    expect((await deliveries(ferry)).map((one) => one.state).toSorted()).toEqual(["delivered", "failed"]);
    expect(published(server)).toBe(2);
    expect(existsSync(join(ferry.folder, "sent/a.csv"))).toBe(true);
  });

  test("twice, or of a file that is not held, is 4", async () => {
    const { ferry } = await held(withAgent);
    const other = await ferry.run(["job", "resolve", "1", "b.csv", "--as", "delivered"]);
    await ferry.run(["job", "resolve", "1", "a.csv", "--as", "delivered"]);
    const twice = await ferry.run(["job", "resolve", "1", "a.csv", "--as", "resend"]);
    expect([other.code, twice.code]).toEqual([4, 4]);
  });
});

describe.each(["an agent", "no agent"])("ferry job run, with %s", (who) => {
  async function stage(): Promise<TestFerry> {
    const ferry = workspace(JOBS);
    if (who === "an agent") await ferry.agent();
    return ferry;
  }

  test("takes the variables that the job declares", async () => {
    const ferry = await stage();
    const { code } = await ferry.run(["job", "run", "vars", "--var", "day=Friday", "--var", "who=a=b"]);
    const refused = await ferry.run(["job", "run", "vars", "--var", "dya=Friday"]);
    expect([code, refused.code]).toEqual([0, 2]);
    expect(refused.stderr).toContain("error[FERRY_USAGE]: the job vars does not declare the variable dya");
    expect(existsSync(join(ferry.folder, "out.txt"))).toBe(true);
    expect((await ferry.run(["job", "run", "wait", "--var", "x=1"])).code).toBe(2);
  });

  test("a job that is not there is 4, one that is off is 2", async () => {
    const ferry = await stage();
    const unknown = await ferry.run(["job", "run", "nobody"]);
    const off = await ferry.run(["job", "run", "off"]);
    expect([unknown, off].map(({ code, stderr }) => `${code} ${stderr.split(":")[0]}`)).toEqual([
      "4 error[FERRY_NOT_FOUND]",
      "2 error[FERRY_DEFINITION]",
    ]);
  });
});

test("a manual run waits for one that is going on (overlap: queue), and then runs", async () => {
  const ferry = workspace(JOBS);
  await ferry.agent();
  const first = await detached(ferry, "wait");
  const second = ferry.json<{ run: { id: number; state: string } }>("job", "run", "wait");
  await eventually(async () => (await runs(ferry)).length === 2);
  expect((await runs(ferry)).map((run) => run.state)).toEqual(["running", "queued"]);
  ferry.write("go", "");
  expect((await second).run.state).toBe("succeeded");
  const [one, two] = await runs(ferry);
  expect(one?.id).toBe(first);
  expect((two?.startedAt ?? "") >= (one?.finishedAt ?? "?")).toBe(true);
});

test("a manual run is skipped by overlap: skip, and ends with a page that says so", async () => {
  const ferry = workspace({ "jobs/wait.yaml": `overlap: skip\n${JOBS["jobs/wait.yaml"]}` });
  await ferry.agent();
  const first = await detached(ferry, "wait");
  await eventually(async () => (await runs(ferry)).some((run) => run.state === "running"));
  const second = await ferry.json<{ run: { state: string; reason: string } }>("job", "run", "wait");
  expect(second.run).toMatchObject({ state: "skipped", reason: `overlap: run ${first} is still running` });
  ferry.write("go", "");
  await ferry.settled();
});

test("overlap: replace ends the run that is going on", async () => {
  const ferry = workspace({ "jobs/wait.yaml": `overlap: replace\n${JOBS["jobs/wait.yaml"]}` });
  await ferry.agent();
  await detached(ferry, "wait");
  await eventually(async () => (await runs(ferry)).some((run) => run.state === "running"));
  await detached(ferry, "wait");
  await eventually(async () => (await runs(ferry))[0]?.state === "cancelled");
  ferry.write("go", "");
  await ferry.settled();
  expect((await runs(ferry)).map((run) => run.state)).toEqual(["cancelled", "succeeded"]);
});

test("two commands at once, without an agent, run one after the other", async () => {
  const ferry = workspace(JOBS);
  const ended = await Promise.all([ferry.run(["job", "run", "idle"]), ferry.run(["job", "run", "idle"])]);
  expect(ended.map(({ code }) => code)).toEqual([0, 0]);
  expect((await runs(ferry)).map((run) => run.state)).toEqual(["succeeded", "succeeded"]);
});

type Script = NonNullable<Parameters<typeof scriptedFtp>[0]>;

async function partner(script: Script): Promise<{ ferry: TestFerry; server: ScriptedFtp }> {
  const server = await scriptedFtp({ folders: ["/in"], ...script });
  later(() => server.close());
  const connection = `protocol: ftp, encryption: { protocol: none }, address: 127.0.0.1, port: ${server.port}, username: anna, password: pear tree, directory: /in`;
  const files = { "connections.yaml": `connections:\n  partner: { ${connection} }\n`, "jobs/outbox.yaml": WATCHING };
  return { ferry: outbox(workspace(files)), server };
}

/** A delivery whose rename was done, but not confirmed, and whose file was taken away at once. */
async function held(withAgent: boolean): Promise<{ ferry: TestFerry; server: ScriptedFtp }> {
  let cuts = 1;
  const { ferry, server } = await partner({
    takenAtOnce: true,
    async RNTO(_, session) {
      const reply = await session.usual();
      if (cuts-- <= 0) return reply;
      session.reset();
      return undefined;
    },
  });
  ferry.write("outbox/a.csv", "a");
  const agent = await ferry.agent();
  await eventually(async () => (await deliveries(ferry)).some((one) => one.state === "held"));
  await ferry.settled();
  if (!withAgent) await agent.end();
  return { ferry, server };
}

function published(server: ScriptedFtp): number {
  return server.events.filter((event) => event.kind === "appeared" && event.path === "/in/a.csv").length;
}
