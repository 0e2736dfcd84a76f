import { testLine as isDos, parseLine as parseDos } from "basic-ftp/dist/parseListDOS.js";
import { testLine as isUnix, parseLine as parseUnix } from "basic-ftp/dist/parseListUnix.js";
import { AgentError } from "../../base/errors.js";
import type { RemoteEntry } from "../session.js";
import { createDateReader, type DateReader, type DateRules } from "./listing-dates.js";

/** An entry, "skip" for a line that is none (totals, the folder itself), or undefined for one that cannot be read. */
type Line = RemoteEntry | "skip" | undefined;

/** Reads the answer to MLSD. */
export function parseMlsd(text: string): readonly RemoteEntry[] {
  return readLines(text, parseMlsdLine);
}

/** Reads the answer to LIST, Unix or DOS style. */
export function parseList(text: string, rules: DateRules): readonly RemoteEntry[] {
  const dates = createDateReader(rules);
  return readLines(text, (line) => parseListLine(line, dates));
}

function readLines(text: string, parse: (line: string) => Line): readonly RemoteEntry[] {
  const entries: RemoteEntry[] = [];
  for (const line of text.split(/\r*\n/)) {
    if (line.trim() === "") continue;
    const read = parse(line);
    if (read === undefined) {
      // Dropping it would make a folder look emptier than it is.
      throw new AgentError("FERRY_LISTING_UNREADABLE", "a line of the server's listing could not be understood", {
        cause: line.slice(0, 200),
      });
    }
    if (read !== "skip" && read.name !== "." && read.name !== "..") entries.push(read);
  }
  return entries;
}

const TYPES: Readonly<Record<string, RemoteEntry["type"]>> = {
  file: "file",
  dir: "directory",
  cdir: "directory",
  pdir: "directory",
};

/** `type=file;size=1234;modify=20260102030405; name`: RFC 3659. */
function parseMlsdLine(line: string): Line {
  // Up to the first "; ": the target of a link may hold spaces.
  const gap = line.indexOf("; ") + 1;
  const facts = gap > 0 ? readFacts(line.slice(0, gap)) : undefined;
  const name = line.slice(gap + 1);
  if (!facts || name === "") return undefined;
  const type = facts.get("type")?.toLowerCase();
  if (type === "cdir" || type === "pdir") return "skip";
  return entryOf(facts, name);
}

/** The middle line of the answer to MLST, about `name`. */
export function parseMlst(lines: readonly string[], name: string): RemoteEntry | undefined {
  for (const line of lines.slice(1, -1)) {
    const text = line.replace(/^(?:250-)? ?/, "");
    const gap = text.indexOf("; ") + 1;
    const facts = readFacts(gap > 0 ? text.slice(0, gap) : text);
    if (facts) return entryOf(facts, name);
  }
  return undefined;
}

function readFacts(packed: string): ReadonlyMap<string, string> | undefined {
  if (!packed.endsWith(";")) return undefined;
  const facts = packed
    .slice(0, -1)
    .split(";")
    .map((fact) => fact.split(/=(.*)/s));
  if (facts.some(([key, value]) => !key || value === undefined)) return undefined;
  return new Map(facts.map(([key = "", value = ""]) => [key.toLowerCase(), value]));
}

function entryOf(facts: ReadonlyMap<string, string>, name: string): RemoteEntry {
  const told = facts.get("type")?.toLowerCase();
  const type = told === undefined ? "other" : /^os\.unix=s(?:ym)?link/.test(told) ? "link" : (TYPES[told] ?? "other");
  const size = parseSize(facts.get("size") ?? facts.get("sizd") ?? "");
  return { name, type, size, modifiedAt: parseTime(facts.get("modify") ?? "") };
}

/** A number of bytes, or undefined for anything that is not exactly one. */
export function parseSize(text: string): number | undefined {
  const size = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(size) ? size : undefined;
}

/** `20260102030405` or `20260102030405.678`, in UTC; undefined for anything else. */
export function parseTime(text: string): Date | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,3})\d*)?$/.exec(text);
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second, Number((match[7] ?? "0").padEnd(3, "0"))));
  const isReal = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && hour < 24 && minute < 60;
  return isReal ? time : undefined;
}

function parseListLine(line: string, dates: DateReader): Line {
  if (/^\s*[a-z]{3,12}:? \d+\s*$/i.test(line)) return "skip";
  const custom = dates.custom(line);
  if (custom) return { ...typed(custom.kind, custom.name), size: custom.size, modifiedAt: custom.modifiedAt };
  if (isUnix(line)) {
    const found = parseUnix(line);
    // basic-ftp gives nothing for `.` and `..`.
    if (!found) return "skip";
    const kind = line.replace(/^[\s\d]*/, "")[0] ?? "";
    return { ...typed(kind, found.name), size: found.size, modifiedAt: dates.standard(found.rawModifiedAt) };
  }
  const found = isDos(line) ? parseDos(line) : undefined;
  if (!found) return isDos(line) ? "skip" : undefined;
  return {
    name: found.name,
    type: found.isDirectory ? "directory" : "file",
    size: found.isDirectory ? undefined : found.size,
    modifiedAt: dates.standard(found.rawModifiedAt),
  };
}

function typed(kind: string, name: string): Pick<RemoteEntry, "name" | "type"> {
  const types: Readonly<Record<string, RemoteEntry["type"]>> = { "-": "file", f: "file", d: "directory", l: "link" };
  return { name, type: types[kind] ?? "other" };
}
