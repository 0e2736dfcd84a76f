import { expect, test } from "vitest";
import { jsonSchema } from "../../src/jobs/json-schema.js";
import { allKinds } from "../../src/jobs/kinds.js";
import type { Kinds } from "../../src/jobs/load.js";
import { load } from "./workspace.js";

// With the real kinds: what a person copies from the documentation must be accepted.
const real = allKinds as Kinds<unknown>;
const SAFE = "connections:\n  bank: ftpes://acme@ftp.bank.example/incoming\n";

test("the simplest useful job needs nothing but the real kinds", () => {
  const outbox = "triggers: [{ watch: outbox }]\ntasks: [{ upload: { connection: bank, to: /incoming/ } }]\n";
  expect(load({ "connections.yaml": SAFE, "jobs/outbox.yaml": outbox }, { kinds: real }).problems).toEqual([]);
});

test("templates stand in the real tasks where the interface shows them", () => {
  const nightly = `vars:
  day: '{{ now | date: "%Y%m%d" }}'
tasks:
  - id: pack
    compress: { from: 'extracts/*.csv', format: gzip }
  - id: push
    upload:
      connection: bank
      from: '{{ tasks.pack.files }}'
      to: '/incoming/{{ vars.day }}/'
      name: '{{ file.stem }}_{{ vars.day }}{{ file.ext }}'
      createDirectories: true
      after: { move: 'sent/{{ vars.day }}/' }
    timeout: 20m
    when: 'tasks.pack.files.size > 0'
  - exec: { command: [./notify-erp, '{{ run.id }}'] }
  - download: { connection: bank, from: '/out/*', to: 'in/{{ vars.day }}/', name: '{{ file.name }}' }
onFailure:
  - write: { to: failed.txt, text: '{{ run.error }}' }
`;
  expect(load({ "connections.yaml": SAFE, "jobs/nightly.yaml": nightly }, { kinds: real }).problems).toEqual([]);
});

test("every real kind has a branch in the JSON Schema of jobs", () => {
  const schema = jsonSchema("job", allKinds) as {
    properties: { tasks: { items: { anyOf: { required: string[] }[] } } };
  };
  expect(schema.properties.tasks.items.anyOf.map((branch) => branch.required)).toEqual(
    allKinds.tasks.map((kind) => [kind.type]),
  );
});

test.each(["connections", "job", "settings"] as const)(
  "the JSON Schema of %s can be made of the real kinds",
  (name) => {
    expect(Object.keys(jsonSchema(name, allKinds))).toContain("properties");
  },
);

test.each([
  [
    "a key of another protocol",
    "  bank: { protocol: sftp, address: x, username: u, transferType: ascii }\n",
    "connections.bank.transferType",
  ],
  ["a protocol misspelt", "  bank: { protocol: sftpp, address: x, username: u }\n", "connections.bank.protocol"],
  ["an encoded line end in an address", "  bank: ftpes://a%0D%0ADELE@x/\n", "connections.bank"],
  [
    "a duration in a block",
    "  bank: { address: x, username: u, timeout: { connect: 30 } }\n",
    "connections.bank.timeout.connect",
  ],
  [
    "a key in a block misspelt",
    "  bank: { address: x, username: u, encryption: { mod: implicit } }\n",
    "connections.bank.encryption.mod",
  ],
])("of a real connection, %s is found", (_, text, path) => {
  const { problems } = load({ "connections.yaml": `connections:\n${text}` }, { kinds: real });
  expect(problems.filter((one) => one.severity === "error").map((one) => [one.path, one.line])).toEqual([[path, 2]]);
  expect(problems.map((one) => one.message).join()).not.toMatch(/invalid input/i);
});
