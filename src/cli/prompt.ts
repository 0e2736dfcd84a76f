import type { Readable } from "node:stream";
import { AgentError } from "../base/errors.js";
import type { CommandContext } from "./command.js";
import { Interrupted } from "./interrupted.js";

/** Longer than any password or key, and short enough that a wrong pipe does not fill the memory. */
const LARGEST_INPUT = 1024 * 1024;

/** All of stdin, without one line end at its end. */
export async function readAll(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > LARGEST_INPUT) throw new AgentError("FERRY_USAGE", "stdin has more than 1 MiB, which is no secret");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

/** Asks on a terminal; what is typed does not appear. Ctrl-C ends the command. */
export async function askHidden({ io, print }: CommandContext, question: string): Promise<string> {
  print.ask(question);
  io.stdin.setRawMode?.(true);
  try {
    return await typed(io.stdin);
  } finally {
    io.stdin.setRawMode?.(false);
    io.stdin.pause();
    print.tell("");
  }
}

/** Asks y/N on a terminal; only a yes is a yes. */
export async function confirm({ io, print }: CommandContext, question: string): Promise<boolean> {
  print.ask(`${question} [y/N] `);
  try {
    return /^y(es)?$/i.test((await typed(io.stdin)).trim());
  } finally {
    io.stdin.pause();
  }
}

/** One line; in raw mode the keys that edit it and end it are ours to obey. What follows it is left for the next question. */
function typed(stdin: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = "";
    const end = (settle: () => void): void => {
      stdin.off("data", read).off("end", ended);
      settle();
    };
    const ended = (): void => end(() => reject(new Interrupted()));
    const read = (chunk: Buffer | string): void => {
      const keys = [...chunk.toString()];
      const enter = keys.findIndex((key) => key === "\r" || key === "\n");
      const typedNow = enter < 0 ? keys : keys.slice(0, enter);
      for (const key of typedNow) line = edited(line, key);
      const first = line === "" ? typedNow[0] : undefined;
      if (typedNow.includes("\u0003") || first === "\u0004") ended();
      else if (enter >= 0) {
        stdin.pause();
        if (enter < keys.length - 1) stdin.unshift(Buffer.from(keys.slice(enter + 1).join("")));
        end(() => resolve(line));
      }
    };
    stdin.on("data", read).once("end", ended);
    stdin.resume();
  });
}

function edited(line: string, key: string): string {
  if (key === "\u007f" || key === "\b") return [...line].slice(0, -1).join("");
  return key >= " " ? line + key : line;
}
