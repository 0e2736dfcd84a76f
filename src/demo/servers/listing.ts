import type { Entry } from "./folder.js";

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** `YYYYMMDDHHMMSS` in UTC, as MDTM and MLSD write it (RFC 3659, 2.3). */
export function timestamp(moment: Date): string {
  return moment.toISOString().replace(/\D/g, "").slice(0, 14);
}

/** One line of MLSD or MLST. */
export function facts({ name, stats }: Entry): string {
  const kind = stats.isDirectory()
    ? "type=dir;"
    : `type=${stats.isFile() ? "file" : "OS.unix=special"};size=${stats.size};`;
  return `${kind}modify=${timestamp(stats.mtime)};UNIX.mode=${(stats.mode & 0o777).toString(8).padStart(4, "0")}; ${name}`;
}

/** One line as `ls -l` writes it, always with the year and in UTC. */
export function longLine({ name, stats }: Entry): string {
  const [year = "", month = "", day = ""] = stats.mtime.toISOString().slice(0, 10).split("-");
  const when = `${months[Number(month) - 1]} ${day}  ${year}`;
  return `${permissions(stats.mode, stats.isDirectory())} 1 ferry ferry ${String(stats.size).padStart(12)} ${when} ${name}`;
}

function permissions(mode: number, isDirectory: boolean): string {
  const letters = [..."rwxrwxrwx"].map((letter, place) => (mode & (0o400 >> place) ? letter : "-"));
  return (isDirectory ? "d" : "-") + letters.join("");
}
