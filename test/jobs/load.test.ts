import { chmodSync, chownSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BANK, load } from "./workspace.js";

const NIGHTLY = `description: Ledger extracts to the bank, every business night
group: treasury
enabled: true
timezone: Europe/London
triggers:
  - cron: '30 2 * * *'
    dst: { gap: shift, repeat: first }
    missed: latest
    missedWithin: 12h
    usefulUntil: '07:00'
overlap: queue
timeout: 1h
retry: { attempts: 3, delay: 30s, backoff: exponential, maximum: 10m }
expect:
  - { by: '06:00', files: '*.csv.gz', count: 3, minimumSize: 1KiB, notify: ops }
locks: [bank]
vars:
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
onFailure:
  - exec: { command: [./alarm, '{{ run.error }}'] }
onSuccess: []
onFinish: []
notify: { failure: ops, recovery: ops }
`;

const RETRY = { attempts: 3, delayMs: 30_000, backoff: "exponential", maximumMs: 600_000 };
const TASK = { when: undefined, retry: RETRY, timeoutMs: undefined, onError: "stop", description: undefined };

test("the nightly extract of the interface is a job with every default filled in", () => {
  const { root, jobs, problems, off } = load({ "jobs/nightly-extract.yaml": NIGHTLY });
  expect({ problems: problems.map(({ path, severity, code }) => [path, severity, code]), off }).toEqual({
    problems: [
      ["expect", "warning", "FERRY_NOT_SUPPORTED"],
      ["notify", "warning", "FERRY_NOT_SUPPORTED"],
    ],
    off: [],
  });
  expect(jobs.get("nightly-extract")).toEqual({
    name: "nightly-extract",
    file: join(root, "jobs/nightly-extract.yaml"),
    description: "Ledger extracts to the bank, every business night",
    group: "treasury",
    enabled: true,
    timezone: "Europe/London",
    triggers: [
      {
        kind: "cron",
        spec: {
          cron: "30 2 * * *",
          dst: { gap: "shift", repeat: "first" },
          missed: "latest",
          missedWithin: 43_200_000,
          usefulUntil: "07:00",
        },
      },
    ],
    overlap: "queue",
    timeoutMs: 3_600_000,
    locks: ["bank"],
    vars: { day: '{{ now | date: "%Y%m%d" }}' },
    tasks: [
      { ...TASK, id: "pack", kind: "compress", spec: { from: "extracts/*.csv", format: "gzip", onEmpty: "fail" } },
      {
        ...TASK,
        id: "push",
        kind: "upload",
        when: "tasks.pack.files.size > 0",
        timeoutMs: 1_200_000,
        spec: {
          connection: "bank",
          from: "{{ tasks.pack.files }}",
          to: "/incoming/{{ vars.day }}/",
          name: "{{ file.stem }}_{{ vars.day }}{{ file.ext }}",
          ifExists: "fail",
          publish: "rename",
          createDirectories: true,
          after: { move: "sent/{{ vars.day }}/" },
        },
      },
      { ...TASK, id: "exec", kind: "exec", spec: { command: ["./notify-erp", "{{ run.id }}"], env: {} } },
    ],
    onFailure: [{ ...TASK, id: "exec-2", kind: "exec", spec: { command: ["./alarm", "{{ run.error }}"], env: {} } }],
    onSuccess: [],
    onFinish: [],
    hash: jobs.get("nightly-extract")?.hash,
  });
});

test("the outbox of the interface is a job", () => {
  const text = "triggers: [{ watch: outbox }]\ntasks: [{ upload: { connection: bank, to: /incoming/ } }]\n";
  const { jobs, problems } = load({ "ferry.yaml": "timezone: Europe/Stockholm\n", "jobs/outbox.yaml": text });
  const job = jobs.get("outbox");
  expect(problems).toEqual([]);
  expect({
    timezone: job?.timezone,
    timeoutMs: job?.timeoutMs,
    overlap: job?.overlap,
    kind: job?.triggers[0]?.kind,
    task: job?.tasks[0],
  }).toEqual({
    timezone: "Europe/Stockholm",
    timeoutMs: 86_400_000,
    overlap: "queue",
    kind: "watch",
    task: {
      ...TASK,
      id: "upload",
      kind: "upload",
      spec: {
        connection: "bank",
        to: "/incoming/",
        ifExists: "fail",
        publish: "rename",
        createDirectories: false,
        after: "keep",
      },
    },
  });
  expect(job?.triggers[0]?.spec).toMatchObject({ watch: { path: "outbox", stable: 5000 } });
});

test("the hash is that of the file's text", () => {
  const { jobs } = load({ "jobs/a.yaml": "tasks: [{ exec: { command: [x] } }]\n" });
  expect(jobs.get("a")?.hash).toBe("4c49716047bd6448f967a3fb0d431271de71bb8f0b1cbab83c149d7d365e796a");
});

test("a task's retry goes over the job's, key by key", () => {
  const { jobs } = load({
    "jobs/a.yaml":
      "retry: { attempts: 5, backoff: fixed }\ntasks:\n  - exec: { command: [x] }\n    retry: { attempts: 1 }\n",
  });
  expect(jobs.get("a")?.tasks[0]?.retry).toEqual({
    attempts: 1,
    delayMs: 30_000,
    backoff: "fixed",
    maximumMs: 600_000,
  });
});

test("one broken job leaves the others in force", () => {
  const { jobs, off } = load({
    "jobs/good.yaml": "tasks: [{ exec: { command: [x] } }]\n",
    "jobs/bad.yaml": "tasks: [\n",
  });
  expect({ jobs: [...jobs.keys()], off: off.map(({ file, job }) => [file, job]) }).toEqual({
    jobs: ["good"],
    off: [["jobs/bad.yaml", "bad"]],
  });
});

test("a job that needs a broken connection is off, and only that", () => {
  const { jobs, connections, off, problems } = load({
    "connections.yaml": `${BANK}  shop: { adress: x }\n`,
    "jobs/a.yaml": "tasks: [{ upload: { connection: bank } }]\n",
    "jobs/b.yaml": "tasks: [{ upload: { connection: shop } }]\n",
  });
  expect({
    jobs: [...jobs.keys()],
    connections: [...connections.keys()],
    off: off.map(({ file, job }) => [file, job]),
  }).toEqual({
    jobs: ["a"],
    connections: ["bank"],
    off: [
      ["connections.yaml", null],
      ["jobs/b.yaml", "b"],
    ],
  });
  expect(problems.filter((one) => one.severity === "error").map((one) => one.path)).toEqual([
    "connections.shop.adress",
  ]);
});

test("an unreadable file of connections is one problem, and jobs without connections go on", () => {
  const { jobs, problems } = load({
    "connections.yaml": "connections: [\n",
    "jobs/a.yaml": "tasks: [{ upload: { connection: bank } }]\n",
    "jobs/b.yaml": "tasks: [{ exec: { command: [x] } }]\n",
  });
  expect({ jobs: [...jobs.keys()], problems: problems.map((one) => one.file) }).toEqual({
    jobs: ["b"],
    problems: ["connections.yaml"],
  });
});

test("a wrong key of ferry.yaml leaves the others in force, and a wrong policy is the strict one", () => {
  const { settings, jobs, off } = load({
    "ferry.yaml": "concurrency: 3\npolicy: strct\ntimezone: Mars\n",
    "jobs/a.yaml": "tasks: [{ exec: { command: [x] } }]\n",
    "jobs/b.yaml": "timezone: UTC\ntasks: [{ exec: { command: [x] } }]\n",
  });
  expect({
    concurrency: settings.concurrency,
    policy: settings.policy,
    jobs: [...jobs.keys()],
    off: off.map(({ file }) => file),
  }).toEqual({
    concurrency: 3,
    policy: "strict",
    jobs: ["b"],
    off: ["ferry.yaml", "jobs/a.yaml"],
  });
});

test("policy strict makes a security warning an error", () => {
  const plain = "connections:\n  bank:\n    encryption: { protocol: none }\n";
  const severities = (settings: string): unknown[] =>
    load({ "ferry.yaml": settings, "connections.yaml": plain }).problems.map(({ line, path, severity }) => [
      line,
      path,
      severity,
    ]);
  expect([severities(""), severities("policy: strict\n")]).toEqual([
    [[3, "connections.bank.encryption.protocol", "warning"]],
    [[3, "connections.bank.encryption.protocol", "error"]],
  ]);
});

test("a default password that is not in the vault is a warning", () => {
  const { problems, jobs } = load(
    { "jobs/a.yaml": "tasks: [{ upload: { connection: bank } }]\n" },
    { secretNames: [] },
  );
  expect(problems).toEqual([
    {
      file: "connections.yaml",
      line: 2,
      column: 3,
      path: "connections.bank",
      severity: "warning",
      code: "FERRY_SECRET_MISSING",
      message: 'no password, and the vault has no secret "bank"',
      hint: "set it with `ferry secret set bank`",
    },
  ]);
  expect([...jobs.keys()]).toEqual(["a"]);
});

test("two jobs of one name are both off", () => {
  const { jobs, problems } = load({
    "jobs/a.yaml": "tasks: [{ exec: { command: [x] } }]\n",
    "jobs/b.yaml": "name: a\ntasks: [{ exec: { command: [x] } }]\n",
  });
  expect({ jobs: jobs.size, problems: problems.map(({ file, path, message }) => [file, path, message]) }).toEqual({
    jobs: 0,
    problems: [
      ["jobs/a.yaml", "", 'the job "a" is defined in jobs/b.yaml, too'],
      ["jobs/b.yaml", "name", 'the job "a" is defined in jobs/a.yaml, too'],
    ],
  });
});

test("a connection that two files define is wrong in both", () => {
  const { problems } = load({ "connections/more.yaml": BANK });
  expect(problems.map(({ file, line, message }) => [file, line, message])).toEqual([
    ["connections.yaml", 2, 'the connection "bank" is defined in connections/more.yaml, too'],
    ["connections/more.yaml", 2, 'the connection "bank" is defined in connections.yaml, too'],
  ]);
});

test("smtp, channels, notify and history are accepted, and said to have no effect yet", () => {
  const settings =
    "smtp: { address: m, from: a@b }\nchannels: { ops: { email: { to: [x] } } }\nnotify: { failure: ops }\nhistory: { keep: 7y, transcripts: 400d, maximum: 20GiB }\n";
  const { problems } = load({ "ferry.yaml": settings });
  expect(problems.map(({ line, path, severity, code }) => [line, path, severity, code])).toEqual([
    [1, "smtp", "warning", "FERRY_NOT_SUPPORTED"],
    [2, "channels", "warning", "FERRY_NOT_SUPPORTED"],
    [3, "notify", "warning", "FERRY_NOT_SUPPORTED"],
    [4, "history", "warning", "FERRY_NOT_SUPPORTED"],
  ]);
});

test("a cron that never comes is a warning", () => {
  const { problems } = load({
    "jobs/a.yaml": "triggers: [{ cron: '0 0 30 2 *' }]\ntasks: [{ exec: { command: [x] } }]\n",
  });
  expect(problems.map(({ path, severity }) => [path, severity])).toEqual([["triggers[0].cron", "warning"]]);
});

test("a file that others may write is refused, one that the group may write is a warning", () => {
  const job = "tasks: [{ exec: { command: [x] } }]\n";
  const { problems, jobs } = load(
    { "jobs/a.yaml": job, "jobs/b.yaml": job },
    {
      change: (root) => {
        chmodSync(join(root, "jobs/a.yaml"), 0o666);
        chmodSync(join(root, "jobs/b.yaml"), 0o664);
      },
    },
  );
  expect({
    problems: problems.map(({ file, severity, code, hint }) => [file, severity, code, hint]),
    jobs: [...jobs.keys()],
  }).toEqual({
    problems: [
      ["jobs/a.yaml", "error", "FERRY_UNSAFE_PERMISSIONS", "chmod o-w jobs/a.yaml"],
      ["jobs/b.yaml", "warning", "FERRY_UNSAFE_PERMISSIONS", "chmod g-w jobs/b.yaml"],
    ],
    jobs: ["b"],
  });
});

test("a folder of jobs that everybody may write turns its jobs off", () => {
  const { problems, jobs } = load(
    { "jobs/a.yaml": "tasks: [{ exec: { command: [x] } }]\n" },
    { change: (root) => chmodSync(join(root, "jobs"), 0o777) },
  );
  expect({ problems: problems.map(({ file, code }) => [file, code]), jobs: jobs.size }).toEqual({
    problems: [["jobs", "FERRY_UNSAFE_PERMISSIONS"]],
    jobs: 0,
  });
});

test.skipIf(process.getuid?.() !== 0)("a definition that belongs to another user is refused", () => {
  const { problems } = load(
    { "jobs/a.yaml": "tasks: [{ exec: { command: [x] } }]\n" },
    { change: (root) => chownSync(join(root, "jobs/a.yaml"), 65534, 65534) },
  );
  expect(problems.map(({ file, code, severity }) => [file, code, severity])).toEqual([
    ["jobs/a.yaml", "FERRY_UNSAFE_PERMISSIONS", "error"],
  ]);
});

test("what ends in .yml is not read, and that is said", () => {
  const { problems } = load({ "jobs/a.yml": "x" });
  expect(problems.map(({ file, severity, hint }) => [file, severity, hint])).toEqual([
    ["jobs/a.yml", "warning", "rename it to jobs/a.yaml"],
  ]);
});
