import { expect, test } from "vitest";
import { AgentError } from "../../src/base/errors.js";
import type { TemplateFacts } from "../../src/jobs/template-scope.js";
import { createDefinitionTemplates, createTemplates } from "../../src/jobs/templates.js";
import type { TaskFile } from "../../src/tasks/files.js";
import { splitName } from "../../src/tasks/names.js";

const identity = { size: 5383, mtimeNs: "1795141800000000000", ctimeNs: "0", ino: "1", dev: "1" };
const file = (path: string): TaskFile => ({ path, folder: "", identity, origins: [{ path, identity }] });
const LEDGER = file("/data/ledger.csv.gz");

const revealed: string[] = [];
const templates = createTemplates({
  timezone: "Europe/Stockholm",
  reveal: async (name) => {
    revealed.push(name);
    if (name !== "bank") throw new AgentError("FERRY_SECRET_MISSING", `no secret "${name}"`);
    return "pear tree";
  },
});

const facts: TemplateFacts = {
  now: new Date("2026-11-19T23:30:00Z"),
  job: "nightly",
  run: { id: 17, startedAt: new Date("2026-11-19T23:29:00Z") },
  trigger: { kind: "watch", firedAt: new Date("2026-11-19T23:29:00Z"), files: [LEDGER] },
  vars: { day: "2026-11-20", full: true },
  env: { ERP_HOME: "/opt/erp" },
  tasks: new Map([["pack", { files: [LEDGER], output: "done", status: 3 }]]),
  taskIds: ["pack", "later"],
  file: LEDGER,
};

test.each([
  ["nothing", "nothing"],
  ["{{ job.name }} {{ run.id }} {{ trigger.kind }} {{ env.ERP_HOME }}", "nightly 17 watch /opt/erp"],
  ["{{ file.stem }}_{{ vars.day }}{{ file.ext }}", "ledger_2026-11-20.csv.gz"],
  ["{{ file.name }} in {{ file.dir }}: {{ file.size }}", "ledger.csv.gz in /data: 5383"],
  ["{{ file.modified | date: '%Y' }} {{ file }}", "2026 /data/ledger.csv.gz"],
  ["at {{ now }}", "at 2026-11-20T00:30:00+01:00"],
  ["{{ now | date: '%Y%m%d' }}!", "20261120!"],
  ["{{ vars.day | date: '%Y%m%d %H:%M' }}", "20261120 00:00"],
  ["{{ '2026-07-01T12:30' | date: '%H:%M %z' }}", "12:30 +0200"],
  ["{{ '2026-07-01T12:30:00Z' | date: '%H:%M' }}", "14:30"],
  ["{{ 'now' | date: '%Y%m%d' }}", "20261120"],
  ["{{ tasks.pack.output }}-{{ tasks.pack.status }}-{{ tasks.later.output }}.", "done-3-."],
  ["{% for one in trigger.files %}[{{ one.name }}]{% endfor %}", "[ledger.csv.gz]"],
  ["{% if run.error %}bad{% else %}good{% endif %}", "good"],
  ['{{ "bank" | secret }}', "pear tree"],
])("%s is %s", async (template, text) => {
  expect(await templates.text(template, facts)).toBe(text);
});

test("a text that is one template and nothing else yields the value itself", async () => {
  const whole = [
    "{{ tasks.pack.files }}",
    "{{ trigger.files[0] }}",
    "{{ run.id }}",
    "{{ vars.full }}",
    "{{ tasks.later.files }}",
  ];
  expect(await Promise.all(whole.map((text) => templates.evaluate(text, facts)))).toEqual([
    [LEDGER],
    LEDGER,
    17,
    true,
    [],
  ]);
});

test("an error of the run prints its message, and has code and hint", async () => {
  const failed: TemplateFacts = {
    ...facts,
    run: { ...facts.run, error: { message: "no route", code: "FERRY_X", hint: "look" } },
  };
  expect(await templates.text("{{ run.error }} {{ run.error.code }} {{ run.error.hint }}", failed)).toBe(
    "no route FERRY_X look",
  );
});

test.each([
  ["tasks.pack.files.size > 0", true],
  ["{{ tasks.later.files.size > 0 }}", false],
  ["vars.full and trigger.kind == 'watch'", true],
  ["run.error", false],
  ["vars.no", false],
  ["vars.text", false],
])("the condition %s is %s", async (condition, expected) => {
  expect(await templates.expression(condition, { ...facts, vars: { full: true, no: false, text: "false" } })).toBe(
    expected,
  );
});

test.each([
  ["{{ vars.dya }}", "FERRY_TEMPLATE", "undefined variable: vars.dya"],
  ["x{{ nobody }}", "FERRY_TEMPLATE", "undefined variable: nobody"],
  ["{{ now | nope }}", "FERRY_TEMPLATE", "undefined filter: nope"],
  ["{{ vars.constructor }}", "FERRY_TEMPLATE", "undefined variable: vars.constructor"],
  ["{% include 'a' %}", "FERRY_TEMPLATE", 'tag "include" not found'],
  ["{% render 'a' %}", "FERRY_TEMPLATE", 'tag "render" not found'],
  ['{{ "bonk" | secret }}', "FERRY_SECRET_MISSING", 'no secret "bonk"'],
  ['x{{ "bonk" | secret }}', "FERRY_SECRET_MISSING", 'no secret "bonk"'],
])("%s fails with %s", async (template, code, message) => {
  const failure = await templates.evaluate(template, facts).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code });
  expect((failure as Error).message).toContain(message);
});

test("a template cannot run or grow without end", async () => {
  const bombs = [
    "{% for a in (1..100000000) %}x{% endfor %}",
    "{% for a in (1..9000) %}{% for b in (1..90000) %}x{% endfor %}{% endfor %}",
  ];
  for (const bomb of bombs)
    await expect(templates.evaluate(bomb, facts)).rejects.toMatchObject({ code: "FERRY_TEMPLATE" });
});

test("variables may speak of those before them, and what a person gives is taken literally", async () => {
  const vars = { day: '{{ now | date: "%d" }}', to: "/in/{{ vars.day }}/", at: "{{ now }}", count: 3 };
  expect(await templates.variables(vars, { day: "{{ x }}" }, facts)).toEqual({
    day: "{{ x }}",
    to: "/in/{{ x }}/",
    at: "2026-11-19T23:30:00.000Z",
    count: 3,
  });
});

test("every text of a specification is evaluated, except the lazy keys", async () => {
  const spec = { command: ["x", "{{ run.id }}"], to: "{{ file.name }}", deep: { a: "{{ job.name }}!" }, count: 2 };
  expect(await templates.evaluateAll(spec, facts, ["to"])).toEqual({
    command: ["x", 17],
    to: "{{ file.name }}",
    deep: { a: "nightly!" },
    count: 2,
  });
});

test("definitions know the environment and secrets, and no run", async () => {
  const text = createDefinitionTemplates({
    timezone: "UTC",
    env: { HOST: "ftp.bank.example" },
    reveal: (name) => `<${name}>`,
  });
  expect([await text("{{ env.HOST }}"), await text('{{ "bank" | secret }}'), await text("plain")]).toEqual([
    "ftp.bank.example",
    "<bank>",
    "plain",
  ]);
  await expect(text("{{ run.id }}")).rejects.toMatchObject({ code: "FERRY_TEMPLATE" });
});

test.each([
  ["ledger.csv.gz", "ledger", ".csv.gz"],
  ["backup.tar.gz", "backup", ".tar.gz"],
  ["pay.csv.pgp", "pay", ".csv.pgp"],
  ["pay.csv.gz.pgp", "pay", ".csv.gz.pgp"],
  ["plain.txt", "plain", ".txt"],
  ["dump.gz", "dump", ".gz"],
  ["ledger.2026.gz", "ledger.2026", ".gz"],
  ["a.b.csv", "a.b", ".csv"],
  [".profile", ".profile", ""],
  ["README", "README", ""],
])("%s is %s and %s", (name, stem, ext) => {
  expect(splitName(name)).toEqual({ stem, ext });
});
