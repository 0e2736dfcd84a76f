import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { systemCode } from "../base/errors.js";
import { commandsPage } from "./commands.js";
import { definitionsPage } from "./definitions.js";
import { errorsPage } from "./errors.js";

/**
 * Writes the references of docs/reference/ from the program itself; with --check it writes nothing, and fails when one
 * of them is not what it would write.
 */
const repository = fileURLToPath(new URL("../..", import.meta.url));
const pages: Readonly<Record<string, string>> = {
  "docs/reference/definitions.md": definitionsPage(),
  "docs/reference/commands.md": commandsPage(),
  "docs/reference/errors.md": errorsPage(),
};

const stale = Object.keys(pages).filter((page) => current(page) !== pages[page]);
if (process.argv.includes("--check")) {
  for (const page of stale) console.error(`${page} is stale: run npm run docs`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const page of stale) {
    mkdirSync(dirname(repository + page), { recursive: true });
    writeFileSync(repository + page, pages[page] ?? "");
    console.log(`wrote ${relative(process.cwd(), repository + page)}`);
  }
}

function current(page: string): string | undefined {
  try {
    return readFileSync(repository + page, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
