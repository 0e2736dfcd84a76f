import { z } from "zod";

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};
const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** Milliseconds of `1h30m`, `500ms`, `2d`; undefined when it is not a duration. */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text) return undefined;
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (DURATION_UNITS[unit ?? ""] ?? 0), 0);
}

/** Bytes of `64KiB`, `10MB`; undefined when it is not a size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(B|[KMGT]i?B)$/.exec(text);
  return match ? Math.round(Number(match[1]) * (SIZE_UNITS[match[2] ?? ""] ?? 0)) : undefined;
}

/** A duration in a definition, as milliseconds. */
export const duration = unit(parseDuration, "a duration such as 500ms, 30s, 5m, 1h30m or 2d", "s", (text) =>
  /^0+$/.test(text),
);
/** A size in a definition, as bytes. */
export const size = unit(parseSize, "a size such as 64KiB or 10MB", "B", (text) => /^0+$/.test(text));
/** A rate in a definition, as bytes a second. */
export const rate = unit(
  (text) => (text.endsWith("/s") ? parseSize(text.slice(0, -2)) : undefined),
  "a rate such as 10MiB/s",
  "B/s",
  () => false,
);

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** A port range in a definition: `53000-54999`, or a single port. */
export const portRange = z
  .union([z.string(), z.number()], { error: "expected a port range such as 53000-54999" })
  .transform((value, context): PortRange => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(value));
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (!match || from < 1 || to > 65535 || from > to) {
      context.addIssue({
        code: "custom",
        message: `expected a port range such as 53000-54999, found ${JSON.stringify(value)}`,
      });
      return z.NEVER;
    }
    return { from, to };
  });

function unit(
  parse: (text: string) => number | undefined,
  expected: string,
  proposal: string,
  bare: (text: string) => boolean,
) {
  return z.union([z.string(), z.number()], { error: `expected ${expected}` }).transform((value, context): number => {
    const text = String(value);
    const parsed = bare(text) ? 0 : parse(text);
    if (parsed !== undefined) return parsed;
    const params = /^\d+(\.\d+)?$/.test(text) ? { hint: `did you mean ${text}${proposal}?` } : {};
    context.addIssue({ code: "custom", message: `expected ${expected}, found ${JSON.stringify(value)}`, params });
    return z.NEVER;
  });
}
