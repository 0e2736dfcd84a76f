import { inspect } from "node:util";

const MASK = "********";
/** Shorter values are masked by position only: masking "226" by value would make the transcript a lie. */
export const SHORTEST_MASKED_BY_VALUE = 6;

/** A value that never prints itself. `reveal` is called at the moment of use, and nowhere else. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return MASK;
  }
  toJSON(): string {
    return MASK;
  }
  [inspect.custom](): string {
    return MASK;
  }
}

/** Replaces known secret values wherever they appear. One for a process; secrets are added as they are first used. */
export interface Masker {
  add(value: string): void;
  mask(text: string): string;
}

export function createMasker(): Masker {
  const values = new Set<string>();
  let pattern: RegExp | undefined;
  return {
    add(value) {
      for (const part of [value, ...linesOf(value)]) {
        for (const form of spellings(part)) if (form.length >= SHORTEST_MASKED_BY_VALUE) values.add(form);
      }
      pattern = undefined;
    },
    mask(text) {
      const positioned = text.replace(POSITIONS, `$1${MASK}`).replace(URL_PASSWORD, `$1${MASK}@`);
      if (values.size === 0) return positioned;
      pattern ??= new RegExp(
        [...values]
          .sort((a, b) => b.length - a.length)
          .map(literally)
          .join("|"),
        "g",
      );
      return positioned.replace(pattern, MASK);
    },
  };
}

/** RFC 959 PASS and ACCT, WS_FTP's XAUT, vendors' SITE PSWD, and proxies' authorisation headers. */
const POSITIONS = /^((?:PASS|ACCT|XAUT|SITE PSWD) |(?:Proxy-)?Authorization: *)\S.*$/gim;
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/@]+@/gi;

/** What is printed of a key of several lines may be any of them; its boundaries tell nothing. */
function linesOf(value: string): string[] {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  return lines.length === 1 ? [] : lines.filter((line) => !line.startsWith("-----"));
}

function spellings(value: string): string[] {
  return [value, encodeURIComponent(value), Buffer.from(value).toString("base64"), JSON.stringify(value).slice(1, -1)];
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
