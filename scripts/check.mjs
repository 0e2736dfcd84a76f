// What the build runs before the tests: types, lint and format, dead code, generated references that are up to date.
import { spawnSync } from "node:child_process";

const steps = [
  ["types", "node_modules/typescript/bin/tsc", "--noEmit", "-p", "tsconfig.json"],
  ["lint", "node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."],
  ["dead code", "node_modules/knip/bin/knip.js"],
  ["build", "scripts/build.mjs"],
  ["references", "dist/docs/generate.js", "--check"],
];
let failed = false;
for (const [name, script, ...args] of steps) {
  process.stdout.write(`check: ${name}\n`);
  const done = spawnSync(process.execPath, [script, ...args], { stdio: "inherit" });
  if (done.status !== 0) {
    failed = true;
    process.stdout.write(`check: ${name} FAILED\n`);
  }
}
process.exit(failed ? 1 : 0);
