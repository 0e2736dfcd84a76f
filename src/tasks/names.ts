import { randomInt } from "node:crypto";

const LONGEST_NAME_BYTES = 255;
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";

/** `.NAME.ID.part`, or `.ID.part` where that exceeds what file systems take. */
export function temporaryName(name: string): string {
  const id = Array.from({ length: 4 }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  const full = `.${name}.${id}.part`;
  return Buffer.byteLength(full) > LONGEST_NAME_BYTES ? `.${id}${id}.part` : full;
}

const PACKING = /\.(?:gz|zst|bz2|xz|pgp|gpg|asc|age)$/i;
const EXTENSION = /(?<=.)\.[^.]+$/;
/** Below a packing suffix only what looks like an extension is one: the last part of `report.2026.gz` is `.gz`. */
const INNER_EXTENSION = /(?<=.)\.(?=[^.]*[A-Za-z])[A-Za-z0-9]{1,8}$/;

/** `ledger.csv.gz` is `ledger` and `.csv.gz`: a packing suffix belongs to the extension. */
export function splitName(name: string): { readonly stem: string; readonly ext: string } {
  let stem = name;
  while (PACKING.test(stem) && EXTENSION.test(stem)) stem = stem.replace(EXTENSION, "");
  stem = stem.replace(stem === name ? EXTENSION : INNER_EXTENSION, "");
  return { stem, ext: name.slice(stem.length) };
}

/** The first of `name_1.ext`, `name_2.ext` … that is not taken. */
export async function freeName(name: string, taken: (candidate: string) => Promise<boolean>): Promise<string> {
  const { stem, ext } = splitName(name);
  for (let number = 1; ; number++) {
    const candidate = `${stem}_${number}${ext}`;
    if (!(await taken(candidate))) return candidate;
  }
}
