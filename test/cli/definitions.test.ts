import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ferry } from "./terminal.js";
import { environment, workspace } from "./workspace.js";

const at = (folder: string) => ({ folder, env: environment() });

test("init makes a workspace that validate accepts, with schemas where the modelines point", async () => {
  const folder = join(workspace(), "billing");
  const made = await ferry(["init", folder, "--json"]);
  expect({ code: made.code, document: made.json() }).toEqual({
    code: 0,
    document: {
      workspace: folder,
      files: [
        ...["ferry.yaml", "connections.yaml", "jobs/nightly-extract.yaml", "jobs/outbox.yaml"],
        ...[".ferry/schemas/connections.json", ".ferry/schemas/job.json", ".ferry/schemas/settings.json", ".gitignore"],
      ],
    },
  });
  const job = join(folder, "jobs/outbox.yaml");
  const modeline = /^# yaml-language-server: \$schema=(\S+)$/m.exec(readFileSync(job, "utf8"))?.[1] ?? "";
  expect(existsSync(join(folder, "jobs", modeline))).toBe(true);

  const checked = await ferry(["validate", "--json"], at(folder));
  const { ok, problems } = checked.json() as { ok: boolean; problems: { code: string }[] };
  expect({ code: checked.code, ok, codes: problems.map((problem) => problem.code) }).toEqual({
    code: 0,
    ok: true,
    codes: ["FERRY_SECRET_MISSING"],
  });
});

test("init overwrites nothing, and adds to a .gitignore that is there", async () => {
  const folder = workspace({ ".gitignore": "dist" });
  const refused = await ferry(["init"], at(folder));
  expect({ code: refused.code, first: refused.err.split("\n")[0], made: existsSync(join(folder, "jobs")) }).toEqual({
    code: 2,
    first: "error[FERRY_USAGE]: ferry.yaml is there already, and nothing was written",
    made: false,
  });
  const other = join(folder, "other");
  await ferry(["init", other]);
  writeFileSync(join(other, ".gitignore"), "dist");
  expect(readFileSync(join(other, ".gitignore"), "utf8")).toBe("dist");
});

test("validate tells every mistake at once, with its place, and exits with 2", async () => {
  const folder = workspace({
    "connections.yaml": "connections:\n  bank: { address: h, username: u, encryptoin: {} }\n",
    "jobs/push.yaml": "tasks:\n  - upload: { connection: bnak }\n",
  });
  const { code, json } = await ferry(["validate", "--json"], at(folder));
  const { ok, problems } = json() as { ok: boolean; problems: Record<string, unknown>[] };
  expect({ code, ok }).toEqual({ code: 2, ok: false });
  expect(problems.map(({ file, line, path }) => `${file}:${line} ${path}`)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^connections\.yaml:2 connections\.bank/),
      expect.stringMatching(/^jobs\/push\.yaml:2 tasks\[0\]\.upload\.connection/),
    ]),
  );
  expect(Object.keys(problems[0] ?? {})).toEqual([
    "file",
    "line",
    "column",
    "path",
    "severity",
    "code",
    "message",
    "hint",
  ]);
});

test.each(["connections", "job", "settings"])("schema %s is a JSON Schema, with and without --json", async (which) => {
  const [text, json] = [await ferry(["schema", which]), await ferry(["schema", which, "--json"])];
  expect(text.json()).toEqual(json.json());
  expect(text.json()).toHaveProperty("$schema");
});

test("job next gives the instant, the local time with offset and zone, and across summer time", async () => {
  const folder = workspace({
    "jobs/nightly.yaml":
      "timezone: Europe/London\ntriggers: [{ cron: '30 2 * * *' }]\ntasks: [{ exec: { command: ['true'] } }]\n",
  });
  const { code, json } = await ferry(
    ["job", "next", "nightly", "--from", "2027-03-27T00:00:00Z", "--count", "2", "--json"],
    at(folder),
  );
  expect({ code, document: json() }).toEqual({
    code: 0,
    document: {
      firings: [
        {
          job: "nightly",
          trigger: "cron",
          at: "2027-03-27T02:30:00.000Z",
          local: "2027-03-27T02:30:00+00:00[Europe/London]",
          skipped: null,
        },
        {
          job: "nightly",
          trigger: "cron",
          at: "2027-03-28T01:30:00.000Z",
          local: "2027-03-28T02:30:00+01:00[Europe/London]",
          skipped: null,
        },
      ],
    },
  });
});

test("job list has the good jobs and the broken ones, with what is wrong", async () => {
  const folder = workspace({
    "jobs/a.yaml": "group: g\ntriggers: [{ cron: '30 2 * * *' }]\ntasks: [{ exec: { command: ['true'] } }]\n",
    "jobs/b.yaml": "tasks: [{ exce: {} }]\n",
  });
  const { code, json } = await ferry(["job", "list", "--json"], at(folder));
  const { jobs } = json() as { jobs: Record<string, unknown>[] };
  expect({ code, keys: Object.keys(jobs[0] ?? {}) }).toEqual({
    code: 0,
    keys: ["name", "group", "enabled", "triggers", "triggerNames", "next", "lastRun", "problem"],
  });
  expect(jobs).toMatchObject([
    {
      name: "a",
      group: "g",
      enabled: true,
      triggers: ["cron"],
      next: expect.stringMatching(/Z$/),
      lastRun: null,
      problem: null,
    },
    { name: "b", enabled: false, next: null, problem: expect.stringContaining("jobs/b.yaml:1") },
  ]);
});

test("a job that is off, and one that is not there, are different failures", async () => {
  const folder = workspace({ "jobs/b.yaml": "tasks: [{ exce: {} }]\n" });
  const off = await ferry(["job", "show", "b"], at(folder));
  const missing = await ferry(["job", "show", "c"], at(folder));
  expect([off.code, missing.code]).toEqual([2, 4]);
});

test("connection show fills in defaults and shows no secret", async () => {
  const folder = workspace({
    "connections.yaml":
      "connections:\n  bank: { address: h, username: u, password: pear-tree, encryption: { mode: implicit } }\n",
  });
  const { json, out } = await ferry(["connection", "show", "bank", "--json"], at(folder));
  const { connection } = json() as { connection: Record<string, unknown> };
  expect(connection).toMatchObject({
    name: "bank",
    protocol: "ftp",
    port: 990,
    password: "********",
    dataConnection: "passive",
  });
  expect(out).not.toContain("pear-tree");
  const text = await ferry(["connection", "show", "bank"], at(folder));
  expect(text.out).not.toContain("pear-tree");
  expect((await ferry(["connection", "show", "bnk"], at(folder))).code).toBe(4);
});
