/**
 * `npm run demo`: installs and builds where that is missing or older than the source, then plays the demo.
 * Before the installation nothing but Node may be used here.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const entry = join(repository, "dist/demo/main.js");

if (!installed()) need("npm", ["ci", "--no-audit", "--no-fund"]);
if (!built()) need(process.execPath, ["scripts/build.mjs"]);
// In this process, so that Ctrl-C reaches the one that has to clean up.
await import(entry);

/** npm writes its own copy of the lock file last of all, so an interrupted or outdated installation shows. */
function installed() {
  const copy = join(repository, "node_modules/.package-lock.json");
  return existsSync(copy) && changedAt(copy) >= changedAt(join(repository, "package-lock.json"));
}

/** The entries are written last or near the end, and all at once, so older than any source means out of date. */
function built() {
  if (!existsSync(entry) || !existsSync(join(repository, "dist/main.js"))) return false;
  const sources = readdirSync(join(repository, "src"), { recursive: true }).map((name) =>
    join(repository, "src", name),
  );
  const newest = Math.max(...[...sources, join(repository, "package.json")].map(changedAt));
  return Math.min(changedAt(entry), changedAt(join(repository, "dist/main.js"))) >= newest;
}

function changedAt(path) {
  return statSync(path).mtimeMs;
}

function need(command, args) {
  console.log(`$ ${command === process.execPath ? "node" : command} ${args.join(" ")}`);
  const { status, error } = spawnSync(command, args, { cwd: repository, stdio: "inherit" });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
