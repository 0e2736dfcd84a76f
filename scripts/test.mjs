/**
 * The one test command: dependencies, servers, build, vitest. Arguments are passed on to vitest.
 * The last line it prints is `N passed, N failed`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = dirname(dirname(fileURLToPath(import.meta.url)));

if (!dependenciesInstalled()) need("npm", ["ci", "--no-audit", "--no-fund"]);
need(process.execPath, ["scripts/install-servers.mjs"]);
need(process.execPath, ["scripts/build.mjs"]);
process.exitCode = test(process.argv.slice(2));

/** npm writes its own copy of the lock file last of all, so an interrupted or outdated installation shows. */
function dependenciesInstalled() {
  const installed = join(repository, "node_modules/.package-lock.json");
  return (
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(repository, "package-lock.json")).mtimeMs
  );
}

function need(command, args) {
  const status = run(command, args);
  if (status !== 0) process.exit(status);
}

function test(args) {
  const folder = mkdtempSync(join(tmpdir(), "ferry-report-"));
  const report = join(folder, "report.json");
  try {
    const vitest = join(repository, "node_modules/vitest/vitest.mjs");
    const status = run(process.execPath, [
      vitest,
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
      ...args,
    ]);
    return closingLine(report) && status === 0 ? 0 : status || 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Prints the count. False when something failed, or when there is no report: a run that broke off is no success. */
function closingLine(report) {
  if (!existsSync(report)) {
    console.log("0 passed, 1 failed");
    return false;
  }
  const { numPassedTests, numFailedTests, testResults, success } = JSON.parse(readFileSync(report, "utf8"));
  // A file that does not even load has failed although no test of it was counted.
  const broken = testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every((one) => one.status !== "failed"),
  );
  const failed = numFailedTests + broken.length;
  console.log(`${numPassedTests} passed, ${failed} failed`);
  return success && failed === 0;
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: repository, stdio: "inherit" });
  if (error) console.error(`${command}: ${error.message}`);
  return status ?? 1;
}
