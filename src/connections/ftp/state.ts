import type { Clock } from "../../base/clock.js";
import type { Transcript } from "../../base/transcript.js";
import type { ControlChannel } from "./control.js";
import type { DataSecurity } from "./data.js";
import type { FtpDefinition } from "./schema.js";

/** What the parts of one open session share. */
export interface FtpState {
  readonly channel: ControlChannel;
  readonly definition: FtpDefinition;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly transcript: Transcript;
  /** The address that the control connection is with: data connections go there, too. */
  readonly peer: string;
  readonly isIpv6: boolean;
  readonly security: DataSecurity | undefined;
  readonly features: Features;
  /** The folder that relative paths start at, absolute. */
  readonly base: string;
  /** A data port outside `passivePorts`: refused, or warned of once a session. */
  readonly strict: boolean;
  readonly warn: (message: string) => void;
  /** False once EPSV was refused or led nowhere. */
  extendedPassive: boolean;
  /** Whether `LIST -a` shows hidden files here; undefined until it was tried. */
  listsAll: boolean | undefined;
}

/** Commands that are worth sending. What turns out to be unknown is taken out. */
export interface Features {
  readonly lines: readonly string[];
  has(verb: Optional): boolean;
  remove(verb: Optional): void;
}

export type Optional = "MLSD" | "MLST" | "SIZE" | "MDTM" | "MFMT" | "EPSV" | "NOOP" | "UTF8";

/** `lines` are those of FEAT, undefined when the server has none. */
export function createFeatures(lines: readonly string[] | undefined, avoid: readonly string[]): Features {
  const told = new Set((lines ?? []).map((line) => line.split(/[ ;]/)[0]?.toUpperCase() ?? ""));
  // Old enough to be there unannounced; the others only when they are offered.
  const usable = new Set<Optional>(["SIZE", "MDTM", "EPSV", "NOOP"]);
  if (told.has("MLST") || told.has("MLSD")) usable.add("MLSD").add("MLST");
  if (told.has("MFMT")) usable.add("MFMT");
  if (told.has("UTF8")) usable.add("UTF8");
  for (const verb of avoid) usable.delete(verb as Optional);
  return {
    lines: lines ?? [],
    has: (verb) => usable.has(verb),
    remove: (verb) => void usable.delete(verb),
  };
}
