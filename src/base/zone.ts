import { z } from "zod";
import { nearest } from "./nearest.js";

/** An IANA time zone, as its canonical or as an accepted older name. */
export const zone = z.string().superRefine((name, context) => {
  if (isZone(name)) return;
  const last = name.split("/").at(-1) ?? name;
  const zones = Intl.supportedValuesOf("timeZone");
  const near =
    nearest(name, zones) ?? zones.find((known) => known.split("/").at(-1)?.toLowerCase() === last.toLowerCase());
  const params = near === undefined ? {} : { hint: `did you mean "${near}"?` };
  context.addIssue({
    code: "custom",
    message: `expected a time zone such as Europe/London, found ${JSON.stringify(name)}`,
    params,
  });
});

function isZone(name: string): boolean {
  // "+02:00" is no zone: it knows no summer time.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export function machineZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
