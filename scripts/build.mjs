// Compiles src/ with the TypeScript compiler, and puts the result in the place of dist/ in one step.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";

// After an installation without development tools there is nothing to build with, and what was built is used as it is.
if (process.argv.includes("--if-possible") && !existsSync("node_modules/typescript/bin/tsc")) process.exit(0);

const fresh = `dist.${process.pid}.tmp`;
const tsc = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", fresh];
const { status } = spawnSync(process.execPath, tsc, { stdio: "inherit" });
if (status !== 0) {
  rmSync(fresh, { recursive: true, force: true });
  process.exit(status ?? 1);
}
chmodSync(`${fresh}/main.js`, 0o755);
rmSync("dist", { recursive: true, force: true });
renameSync(fresh, "dist");
