import type { Colors } from "picocolors/types.js";
import { visible } from "../base/names.js";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "magenta" | "cyan";

/** A line for people. Its strings may come from anywhere: they are made visible when the line is written, and not before. */
export type Text = string | Styled | readonly Text[];

export interface Styled {
  readonly style: Style;
  readonly text: Text;
}

export const bold = (text: Text): Styled => ({ style: "bold", text });
export const dim = (text: Text): Styled => ({ style: "dim", text });
export const red = (text: Text): Styled => ({ style: "red", text });
export const green = (text: Text): Styled => ({ style: "green", text });
export const yellow = (text: Text): Styled => ({ style: "yellow", text });
export const magenta = (text: Text): Styled => ({ style: "magenta", text });
export const cyan = (text: Text): Styled => ({ style: "cyan", text });

/** The line as it goes to a terminal: what could move a cursor is written visibly, and only our own colours are left. */
export function render(text: Text, colors: Colors): string {
  if (typeof text === "string") return visible(text);
  if ("style" in text) return colors[text.style](render(text.text, colors));
  return text.map((part) => render(part, colors)).join("");
}

/** The characters that a reader sees, without colours. */
export function plain(text: Text): string {
  if (typeof text === "string") return visible(text);
  if ("style" in text) return plain(text.text);
  return text.map(plain).join("");
}

/** Columns that `text` takes on a terminal: East Asian letters and emoji take two, combining marks none. */
export function columns(text: string): number {
  let sum = 0;
  for (const character of text) sum += NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return sum;
}

const NO_WIDTH = /\p{Mn}|\p{Me}|[\u200b-\u200d]|[\ufe00-\ufe0f]/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** `text` in at most `width` columns, with `…` where something was left out. */
export function shorten(text: string, width: number, keep: "start" | "end" | "ends"): string {
  if (columns(text) <= width) return text;
  if (width <= 1) return "…";
  if (keep === "start") return `${take([...text], width - 1)}…`;
  if (keep === "end") return `…${takeLast(text, width - 1)}`;
  const left = Math.floor((width - 1) / 3);
  return `${take([...text], left)}…${takeLast(text, width - 1 - left)}`;
}

function take(characters: readonly string[], width: number): string {
  let taken = "";
  let used = 0;
  for (const character of characters) {
    used += columns(character);
    if (used > width) break;
    taken += character;
  }
  return taken;
}

function takeLast(text: string, width: number): string {
  return [...take([...text].reverse(), width)].reverse().join("");
}
