import { columns, dim, plain, type Styled, shorten, type Text } from "./text.js";

export interface Column {
  readonly head: string;
  readonly align?: "right";
  /** What of a cell is kept where the terminal is too narrow; a column without it is never shortened. */
  readonly keep?: "start" | "end" | "ends";
  /** Left out where the terminal is too narrow for all. */
  readonly spare?: true;
}

export type Cell = string | (Styled & { readonly text: string });

const GAP = "  ";
const NARROWEST = 8;
/** As much of a long cell is worth more than a spare column. */
const COMFORTABLE = 24;

/** A table without lines, no wider than `width` where columns may be shortened; columns with nothing in them are left out. */
export function table(
  columnsOfAll: readonly Column[],
  cells: readonly (readonly Cell[])[],
  width: number | undefined,
): Text[] {
  if (cells.length === 0) return [];
  const wanted = columnsWanted(columnsOfAll, cells, width);
  const shape = wanted.map(({ column }) => column);
  const rows = cells.map((row) => wanted.map(({ index }) => row[index] ?? ""));
  const natural = wanted.map(({ natural }) => natural);
  const widths = width === undefined ? natural : narrowed(shape, natural, width);
  const head = line(
    shape,
    shape.map((column) => column.head),
    widths,
  );
  return [dim(head), ...rows.map((row) => line(shape, row, widths))];
}

interface Wanted {
  readonly column: Column;
  readonly index: number;
  readonly natural: number;
}

function columnsWanted(
  all: readonly Column[],
  cells: readonly (readonly Cell[])[],
  width: number | undefined,
): Wanted[] {
  const wanted = all.flatMap((column, index): Wanted[] => {
    const natural = Math.max(...cells.map((row) => columns(shown(row[index]))));
    return natural === 0 ? [] : [{ column, index, natural: Math.max(natural, columns(column.head)) }];
  });
  const wish = ({ column, natural }: Wanted): number =>
    (column.keep ? Math.min(natural, COMFORTABLE) : natural) + GAP.length;
  while (width !== undefined && wanted.reduce((sum, each) => sum + wish(each), -GAP.length) > width) {
    const spare = wanted.findLastIndex(({ column }) => column.spare);
    if (spare < 0) break;
    wanted.splice(spare, 1);
  }
  return wanted;
}

/** Takes from the widest columns that may be shortened until all fit, or nothing more can be taken. */
function narrowed(shape: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  const least = shape.map((column) => Math.max(NARROWEST, columns(column.head)));
  const excess = (): number => widths.reduce((sum, each) => sum + each, GAP.length * (shape.length - 1)) - width;
  while (excess() > 0) {
    let widest = -1;
    shape.forEach((column, index) => {
      const now = widths[index] ?? 0;
      if (column.keep && now > (least[index] ?? 0) && now > (widths[widest] ?? 0)) widest = index;
    });
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** Ends with its last letter: blanks at the end of a line are in the way of whoever copies it. */
function line(shape: readonly Column[], cells: readonly Cell[], widths: readonly number[]): Text {
  const last = cells.findLastIndex((cell) => shown(cell) !== "");
  return shape.slice(0, last + 1).map((column, index): Text => {
    const cell = cells[index] ?? "";
    const text = shorten(shown(cell), widths[index] ?? 0, column.keep ?? "start");
    const gap = index === 0 ? "" : GAP;
    const blank = " ".repeat(Math.max(0, (widths[index] ?? 0) - columns(text)));
    const styled: Text = typeof cell === "string" ? text : { style: cell.style, text };
    if (column.align === "right") return [gap, blank, styled];
    return index === last ? [gap, styled] : [gap, styled, blank];
  });
}

function shown(cell: Cell | undefined): string {
  return plain(cell ?? "");
}
