import { createHash } from "node:crypto";
import { createMasker } from "../base/secret.js";
import { compareProblems, type Finding, type Problem, writePath } from "./problem.js";
import { readYaml } from "./yaml.js";

/** A definition file that was read: its data, and the list of what is wrong with it. */
export interface Source {
  /** Relative to the workspace, with `/`. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
  readonly data: unknown;
  /** SHA-256 of the text. */
  readonly hash: string;
  /** False when the YAML itself is wrong; then `data` says nothing. */
  readonly readable: boolean;
  problem(finding: Finding): Problem;
}

/** A mistake in an address must not print the password within it. */
const masker = createMasker();

export interface ReadSource {
  readonly source: Source;
  readonly problems: readonly Problem[];
}

export function readSource(file: string, path: string, text: string): ReadSource {
  const yaml = readYaml(text);
  const source: Source = {
    file,
    path,
    data: yaml.data,
    hash: createHash("sha256").update(text).digest("hex"),
    readable: yaml.flaws.length === 0,
    problem: (finding) => toProblem(file, finding, yaml.place(finding)),
  };
  return { source, problems: yaml.flaws.map((flaw) => toProblem(file, flaw, flaw.place)).sort(compareProblems) };
}

function toProblem(file: string, finding: Finding, place: { readonly line: number; readonly column: number }): Problem {
  return {
    file,
    line: place.line,
    column: place.column,
    path: writePath(finding.path),
    severity: finding.severity ?? "error",
    code: finding.code ?? "FERRY_DEFINITION",
    message: masker.mask(finding.message),
    hint: finding.hint ?? null,
  };
}
