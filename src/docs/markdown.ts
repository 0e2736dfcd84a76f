export const GENERATED = "<!-- Generated from the program by `npm run docs`. Do not edit. -->";

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  return [line(head), line(head.map(() => "---")), ...rows.map(line), ""];
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

export function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

/** The text of a page: one empty line between parts, one line end at the end. */
export function page(...parts: readonly (readonly string[])[]): string {
  const text = parts
    .map((part) => part.join("\n").trim())
    .filter((part) => part !== "")
    .join("\n\n");
  return `${text}\n`;
}
