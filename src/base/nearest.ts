import { distance } from "fastest-levenshtein";

/** `did you mean "connection"?`, when one of the names is near enough to be meant. */
export function didYouMean(found: string, names: Iterable<string>): string | undefined {
  const name = nearest(found, names);
  return name === undefined ? undefined : `did you mean "${name}"?`;
}

/** The name that was probably meant: it differs by about a third of its letters, case aside, or goes on where `found` ends. */
export function nearest(found: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const away = distance(found.toLowerCase(), name.toLowerCase());
    if (away < least) {
      best = name;
      least = away;
    }
  }
  if (best === undefined) return undefined;
  const longer = Math.max(found.length, best.length);
  if (least <= Math.ceil(longer / 3) && least < longer) return best;
  return found.length < 3 ? undefined : [...names].find((name) => name.toLowerCase().startsWith(found.toLowerCase()));
}

/** `a, b or c`, cut after `most`. */
export function list(names: readonly string[], last = "or", most = 40): string {
  if (names.length === 0) return "none";
  if (names.length === 1) return names[0] ?? "";
  if (names.length > most) return `${names.slice(0, most).join(", ")} …`;
  return `${names.slice(0, -1).join(", ")} ${last} ${names.at(-1)}`;
}
