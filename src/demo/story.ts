import { setTimeout as sleep } from "node:timers/promises";
import pc from "picocolors";
import { type Ferry, startAgent } from "./ferry.js";
import { extracts, type Material, payroll, putInto } from "./material.js";
import { proveAll } from "./proof.js";
import { type Stage, withStage } from "./stage.js";

/** The demo, scene by scene. Rejects at the first thing that is not as it should be. */
export async function play(signal: AbortSignal): Promise<void> {
  tell("Every line after a $ is the real command, and what follows is its real output.");
  await withStage(signal, async (stage) => {
    tell(
      `The bank's server (FTPS) is at port ${stage.bank.port} of this machine, and insists on TLS session resumption;`,
      `the payroll bureau's (SFTP) is at port ${stage.partner.port}. The workspace is a copy of the one in this repository;`,
      "only the addresses are changed.",
    );
    await setUp(stage);
    const night = await nightlyExtract(stage);
    const day = await payrollOutbox(stage);
    await lookBack(stage.ferry, { night, day });
    scene("Is it true? The files in the servers' own folders, compared with what was sent");
    await proveAll(stage, { bank: extracts, partner: payroll });
    goodbye();
  });
}

async function setUp({ ferry, bank, partner }: Stage): Promise<void> {
  scene("The passwords go into the encrypted vault; they are read from stdin, never from an argument");
  await ferry.show(["secret", "set", "bank"], { input: bank.password });
  await ferry.show(["secret", "set", "partner"], { input: partner.password });
  scene("Nobody is trusted unseen: certificate and host key are accepted by the fingerprints that their owners told");
  await ferry.show(["connection", "trust", "bank", "--fingerprint", bank.fingerprint]);
  await ferry.show(["connection", "trust", "partner", "--fingerprint", partner.fingerprint]);
  scene("Is everything right?");
  await ferry.show(["validate"]);
  await ferry.show(["connection", "test", "bank"]);
}

/** The nightly job, run by hand; its run's number. */
async function nightlyExtract({ ferry, workspace }: Stage): Promise<number> {
  scene(`The night's extracts are in extracts/: ${namesOf(extracts)}. Pack them and send them to the bank`);
  await putInto(workspace, "extracts", extracts);
  await ferry.show(["job", "run", "nightly-extract"]);
  const [run] = await runsOf(ferry, "nightly-extract");
  if (run?.state !== "succeeded" || run.files !== extracts.length)
    throw new Error(`the nightly run is ${JSON.stringify(run)}`);
  return run.id;
}

/** The agent takes three files out of the outbox; the number of the run that did. */
async function payrollOutbox({ ferry, workspace }: Stage): Promise<number> {
  scene("The agent watches the clock and the folders. It runs in the background here");
  const agent = await startAgent(ferry);
  scene(`Somebody puts three files into outbox/: ${namesOf(payroll)}`);
  await putInto(workspace, "outbox", payroll);
  const run = await untilDelivered(ferry, "payroll-outbox", payroll.length);
  tell("They were taken once they had not changed for five seconds, and are delivered.");
  await ferry.show(["agent", "status"]);
  await ferry.show(["agent", "stop"]);
  await agent.ended();
  return run;
}

async function lookBack(ferry: Ferry, run: { readonly night: number; readonly day: number }): Promise<void> {
  scene("What happened, for the person who asks at seven in the morning");
  await ferry.show(["history"]);
  await ferry.show(["history", "show", String(run.day)]);
  scene("Every command and every reply, without the password");
  await ferry.show(["history", "log", String(run.night)]);
  scene("Where is my file?");
  await ferry.show(["history", "files", "*.csv*"]);
}

interface Run {
  readonly id: number;
  readonly state: string;
  readonly files: number;
}

async function runsOf(ferry: Ferry, job: string): Promise<readonly Run[]> {
  const { runs } = (await ferry.ask(["history", "--job", job])) as { runs: readonly Run[] };
  return runs;
}

const UNDER_WAY = ["queued", "running", "succeeded"];

/** Waits until runs of `job` have delivered so many files; the number of the newest. */
async function untilDelivered(ferry: Ferry, job: string, files: number): Promise<number> {
  for (;;) {
    const runs = await runsOf(ferry, job);
    const wrong = runs.find((run) => !UNDER_WAY.includes(run.state));
    if (wrong) {
      await ferry.show(["history", "show", String(wrong.id)]);
      throw new Error(`run ${wrong.id} of ${job} is ${wrong.state}`);
    }
    const done = runs.filter((run) => run.state === "succeeded").reduce((sum, run) => sum + run.files, 0);
    if (runs[0] && done >= files) return runs[0].id;
    await sleep(500, undefined, { signal: ferry.signal });
  }
}

function goodbye(): void {
  scene("That was all; servers and workspace are cleared away now. To try next");
  console.log("  npx ferry init my-workspace        a workspace of your own, with commented examples");
  console.log("  npx ferry job next                 when the sample jobs would run; in this folder");
  console.log("  npx ferry history --help           what else the history can be asked");
  console.log("  README.md                          a quick start, and what Ferry guarantees");
}

function scene(title: string): void {
  console.log(`\n${pc.bold(`── ${title}`)}`);
}

function tell(...lines: readonly string[]): void {
  for (const line of lines) console.log(pc.dim(line));
}

function namesOf(material: readonly Material[]): string {
  return material.map((file) => file.name).join(", ");
}
