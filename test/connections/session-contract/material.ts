import { createHash } from "node:crypto";
import type { ByteSink } from "../../../src/connections/session.js";

/** Sizes around every border that a writer may have. */
export const transferSizes: readonly number[] = [0, 1, 32_767, 32_768, 32_769, 1_048_576, 67_108_864];

export interface AwkwardName {
  readonly what: string;
  readonly name: string;
}

/** Names that are legal on a server's disk, and that some client or server somewhere gets wrong. */
export const awkwardNames: readonly AwkwardName[] = [
  { what: "spaces", name: "two  words .txt" },
  { what: "a leading space", name: " leading" },
  { what: "quotes", name: `it's "quoted".txt` },
  { what: "percent signs", name: "100%20%s.txt" },
  { what: "a hash", name: "#1.txt" },
  { what: "a leading dash", name: "-rf" },
  { what: "an emoji", name: "🚢 ferry.txt" },
  { what: "composed letters (NFC)", name: "h\u00f6he.txt" },
  { what: "decomposed letters (NFD)", name: "ho\u0308he.txt" },
  { what: "200 characters", name: `${"n".repeat(196)}.txt` },
  { what: "parentheses", name: "copy (1).txt" },
  { what: "an asterisk", name: "all*.txt" },
  { what: "a question mark", name: "what?.txt" },
  { what: "square brackets", name: "[a-z].txt" },
  { what: "braces and a dollar", name: "{a,b} $HOME ~.txt" },
  { what: "semicolons and an ampersand", name: "a;b=c&d.txt" },
];

/** Bytes that do not repeat at any block size, so that a swapped or doubled block shows. */
export function contents(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = 0x9e3779b9 ^ size;
  for (let index = 0; index + 4 <= size; index += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes.writeInt32LE(state, index);
  }
  for (let index = size - (size % 4); index < size; index++) bytes[index] = index & 0xff;
  return bytes;
}

/** `bytes` in pieces of these sizes, over and over. */
export async function* source(bytes: Buffer, pieces: readonly number[] = [65_536]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = pieces[turn % pieces.length] ?? bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Yields `bytes`, then fails. */
export async function* dyingSource(bytes: Buffer, reason: unknown): AsyncGenerator<Buffer> {
  yield* source(bytes);
  throw reason;
}

export function bufferSink(): ByteSink & { bytes(): Buffer } {
  const chunks: Buffer[] = [];
  return {
    // A copy: a driver may use its buffer again once `write` has resolved.
    write: async (chunk) => void chunks.push(Buffer.from(chunk)),
    bytes: () => Buffer.concat(chunks),
  };
}

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
