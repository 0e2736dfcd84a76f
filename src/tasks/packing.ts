import type { Duplex } from "node:stream";
import zlib from "node:zlib";
import { z } from "zod";
import { AgentError, systemCode } from "../base/errors.js";
import { visible } from "../base/names.js";

type Format = "gzip" | "zstd";

interface Packing {
  readonly suffix: string;
  readonly levels: number;
  pack(level: number | undefined): Duplex;
  unpack(): Duplex;
}

// Node has zstd from 22.15 on; the types that we build with are of Node 20.
const newer = zlib as unknown as {
  readonly createZstdCompress?: (options?: { params?: Record<number, number> }) => Duplex;
  readonly createZstdDecompress?: () => Duplex;
};
/** ZSTD_c_compressionLevel */
const ZSTD_LEVEL = 100;

const PACKINGS: Readonly<Record<Format, () => Packing | undefined>> = {
  gzip: () => ({
    suffix: ".gz",
    levels: 9,
    pack: (level) => zlib.createGzip(level === undefined ? {} : { level }),
    unpack: () => zlib.createGunzip(),
  }),
  zstd: () => {
    const { createZstdCompress: compress, createZstdDecompress: decompress } = newer;
    if (!compress || !decompress) return undefined;
    return {
      suffix: ".zst",
      levels: 22,
      pack: (level) => compress(level === undefined ? {} : { params: { [ZSTD_LEVEL]: level } }),
      unpack: decompress,
    };
  },
};

export function packing(format: Format): Packing {
  const found = PACKINGS[format]();
  if (!found) throw new AgentError("FERRY_NOT_SUPPORTED", `this Node (${process.version}) has no ${format}`);
  return found;
}

export const formatField = z
  .enum(["gzip", "zstd"])
  .default("gzip")
  .superRefine((format, check) => {
    if (PACKINGS[format]() === undefined) {
      check.addIssue({
        code: "custom",
        message: `${format} needs Node 22.15 or newer, this is ${process.version}; use gzip`,
        params: { code: "FERRY_NOT_SUPPORTED" },
      });
    }
  })
  .describe("How the content is packed: gzip, or zstd where Node has it.");

export function levelProblem(format: Format, level: number | undefined): string | undefined {
  const highest = PACKINGS[format]()?.levels ?? 9;
  return level !== undefined && level > highest
    ? `expected a level from 1 to ${highest} for ${format}, found ${level}`
    : undefined;
}

/** What the unpacking library says of content that is not what it should be, in our words. */
export function damaged(error: unknown, path: string, format: Format): unknown {
  const code = systemCode(error);
  if (code === undefined || !/^(Z_|ZSTD_|ERR_ZSTD)/.test(code)) return error;
  const what = code === "Z_BUF_ERROR" ? "ends in the middle" : `is not valid ${format}`;
  return new AgentError("FERRY_FILE_DAMAGED", `${visible(path)} ${what}`, { cause: error });
}
