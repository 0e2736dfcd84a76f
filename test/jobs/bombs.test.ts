import { expect, test } from "vitest";
import { load } from "./workspace.js";

function aliasBomb(): string {
  const levels = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (const [before, name] of ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"].map((pair) => [...pair])) {
    levels.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(",")}]`);
  }
  return `${levels.join("\n")}\n`;
}

const BOMBS: readonly (readonly [string, string | Buffer, string])[] = [
  ["aliases that multiply", aliasBomb(), "the aliases (*name) multiply to more than is read"],
  ["brackets in brackets", `vars: ${"[".repeat(200_000)}`, "nested more than 64 levels deep"],
  ["lists in lists", "- ".repeat(200_000), "nested more than 64 levels deep"],
  ["blocks in blocks", "{a: ".repeat(100_000), "nested more than 64 levels deep"],
  [
    "a file of 1 MiB and a byte",
    `# ${"x".repeat(1024 * 1024 - 1)}`,
    "the file has 1048577 bytes, and at most 1 MiB is read",
  ],
  ["an alias within its own anchor", "a: &a [*a]\n", "the alias *a would contain itself"],
  ["bytes that are no text", Buffer.from([0x61, 0x3a, 0xff, 0xfe]), "the file is not UTF-8"],
];

test.each(BOMBS)("%s cost nothing and are refused", (_, text, message) => {
  const started = performance.now();
  const { problems } = load({ "jobs/bomb.yaml": text });
  expect(problems.map((problem) => problem.message)).toEqual([message]);
  expect(performance.now() - started).toBeLessThan(2_000);
});

test.each(["__proto__", "constructor", "prototype"])("the key %s is refused and pollutes nothing", (key) => {
  const { problems } = load({ "jobs/a.yaml": `vars:\n  ${key}: { polluted: yes }\n` });
  expect(problems.map(({ line, message }) => [line, message])).toEqual([[2, `the key ${key} is not accepted`]]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test("anchors and merged blocks are read, and a mistake in them is shown where it is written", () => {
  const { jobs, problems } = load({
    "jobs/a.yaml":
      "vars: { to: &to /in/ }\ntasks:\n  - upload: &base { connection: bank, to: *to }\n  - upload: { <<: *base, name: x }\n",
    "jobs/b.yaml": "tasks:\n  - upload: &base { connection: bank, to: 3 }\n",
  });
  expect(jobs.get("a")?.tasks[1]?.spec).toMatchObject({ connection: "bank", to: "/in/", name: "x" });
  expect(problems.map(({ file, line, column }) => `${file}:${line}:${column}`)).toEqual(["jobs/b.yaml:2:43"]);
});

test("dates and clock times stay texts, as YAML 1.2 has it", () => {
  const { jobs } = load({
    "jobs/a.yaml": "vars: { day: 2026-11-20, time: 07:00, no: off, n: 012 }\ntasks: [{ exec: { command: [x] } }]\n",
  });
  expect(jobs.get("a")?.vars).toEqual({ day: "2026-11-20", time: "07:00", no: "off", n: 12 });
});
