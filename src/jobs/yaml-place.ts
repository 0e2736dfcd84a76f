import { type Document, isAlias, isMap, isNode, isPair, isScalar, type LineCounter, type Node } from "yaml";
import type { Finding, KeyPath } from "./problem.js";

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The line and column that a finding points at. */
export function locate(
  document: Document.Parsed,
  lines: LineCounter,
  text: string,
  finding: Pick<Finding, "path" | "at" | "offset">,
): Place {
  const { key, value } = walk(document, finding.path);
  const node = finding.at === "key" ? (key ?? value) : (value ?? key);
  const start = node?.range?.[0] ?? 0;
  return placeOf(
    lines,
    start + (finding.offset === undefined || node === undefined ? 0 : inText(node, text, finding.offset)),
  );
}

/** Characters from the start of a scalar to `offset` in its value, where the file spells it out without escapes; else 0. */
function inText(node: Node, text: string, offset: number): number {
  if (!isScalar(node) || typeof node.value !== "string" || !node.range) return 0;
  const source = text.slice(node.range[0], node.range[1]);
  const at = source.indexOf(node.value);
  return at < 0 ? 0 : at + offset;
}

interface Spot {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

/** The node at a key path; where the path leads to nothing (a key that is missing), the nearest holder's key. */
function walk(document: Document.Parsed, path: KeyPath): Spot {
  let spot: Spot = { key: undefined, value: isNode(document.contents) ? document.contents : undefined };
  for (const part of path) {
    const holder = follow(document, spot.value);
    const next = isMap(holder) ? inMap(document, holder, String(part)) : inList(holder, part);
    if (next === undefined) return spot.key === undefined ? spot : { key: spot.key, value: spot.key };
    spot = next;
  }
  return spot;
}

function inMap(document: Document.Parsed, map: Node, name: string): Spot | undefined {
  if (!isMap(map)) return undefined;
  for (const pair of map.items) {
    if (isScalar(pair.key) && String(pair.key.value) === name) {
      return { key: pair.key, value: isNode(pair.value) ? pair.value : pair.key };
    }
  }
  for (const pair of map.items) {
    if (!isScalar(pair.key) || pair.key.source !== "<<" || !isNode(pair.value)) continue;
    const merged = follow(document, pair.value);
    const found = merged === undefined ? undefined : inMap(document, merged, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function inList(holder: Node | undefined, index: string | number): Spot | undefined {
  if (holder === undefined || !("items" in holder) || typeof index !== "number") return undefined;
  const item: unknown = holder.items[index];
  if (isPair(item) || !isNode(item)) return undefined;
  return { key: undefined, value: item };
}

function follow(document: Document.Parsed, node: Node | undefined): Node | undefined {
  return isAlias(node) ? node.resolve(document) : node;
}

export function placeOf(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return line === 0 ? { line: 1, column: 1 } : { line, column: col };
}
