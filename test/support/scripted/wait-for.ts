export type Wanted = string | ((line: string) => boolean);

/** A list of lines that can be awaited. A string matches a line that is it or begins with it and a space. */
export interface Received {
  readonly lines: readonly string[];
  add(line: string): void;
  /** Resolves with the line as soon as such a line has been received `occurrence` times, also when it already has. */
  waitFor(wanted: Wanted, occurrence?: number): Promise<string>;
}

export function received(): Received {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  return {
    lines,
    add(line) {
      lines.push(line);
      for (const look of waiting) look();
    },
    waitFor(wanted, occurrence = 1) {
      const matches =
        typeof wanted === "string" ? (line: string) => line === wanted || line.startsWith(`${wanted} `) : wanted;
      return new Promise((resolve) => {
        const look = () => {
          const found = lines.filter(matches)[occurrence - 1];
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
  };
}
