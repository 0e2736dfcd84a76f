import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A file that the demo sends. */
export interface Material {
  readonly name: string;
  readonly text: string;
}

/** What an accounting system may write at night. */
export const extracts: readonly Material[] = [
  {
    name: "ledger.csv",
    text: table("entry;account;amount;currency", 4000, (n) => `${100_000 + n};${4000 + (n % 37)};${amount(n)};EUR`),
  },
  {
    name: "open-items.csv",
    text: table("invoice;customer;amount;due", 1500, (n) => `R${70_000 + n};C${n % 211};${amount(n * 3)};2026-12-31`),
  },
];

/** What somebody may put into a folder by day. */
export const payroll: readonly Material[] = ["berlin", "leeds", "turin"].map((site, index) => ({
  name: `payroll-${site}.csv`,
  text: table(
    "person;hours;gross",
    120 + index * 40,
    (n) => `P${index}${String(n).padStart(4, "0")};${140 + (n % 30)};${amount(n * 7 + index)}`,
  ),
}));

/** Writes the files into a folder of the workspace, as another program would. */
export async function putInto(workspace: string, folder: string, material: readonly Material[]): Promise<void> {
  await mkdir(join(workspace, folder), { recursive: true });
  await Promise.all(material.map(({ name, text }) => writeFile(join(workspace, folder, name), text)));
}

function table(head: string, rows: number, row: (n: number) => string): string {
  return `${[head, ...Array.from({ length: rows }, (_, n) => row(n))].join("\n")}\n`;
}

function amount(n: number): string {
  return (((n * 7919) % 1_000_000) / 100).toFixed(2);
}
