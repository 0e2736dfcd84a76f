import { BlockList, isIPv4 } from "node:net";

/** The address that a server announced for a data connection. */
export interface Announced {
  readonly host: string;
  readonly port: number;
}

/** No honest reply is longer, and a hostile one shall not keep a pattern busy. */
const LONGEST = 500;

/** The port of `229 Entering Extended Passive Mode (|||53412|)`, whatever the delimiter and with or without parentheses. */
export function parseEpsv(line: string): number | undefined {
  const match = /([^\d\s()])\d?\1[^\s|]*?\1(\d{1,5})\1/.exec(line.slice(4, LONGEST));
  return validPort(Number(match?.[2]));
}

/** The address of `227 … (203,0,113,7,208,164)`, also as `203.0.113.7:208,164`, also without parentheses. */
export function parsePasv(line: string): Announced | undefined {
  const match = /(?:^|\D)(\d{1,3})[.,](\d{1,3})[.,](\d{1,3})[.,](\d{1,3})[,:] ?(\d{1,3}),(\d{1,3})(?!\d)/.exec(
    line.slice(4, LONGEST),
  );
  if (!match) return undefined;
  const octets = match.slice(1, 7).map(Number);
  if (octets.some((octet) => octet > 255)) return undefined;
  const port = validPort((octets[4] ?? 0) * 256 + (octets[5] ?? 0));
  return port === undefined ? undefined : { host: octets.slice(0, 4).join("."), port };
}

function validPort(port: number): number | undefined {
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? port : undefined;
}

/** Addresses that cannot be meant for somebody elsewhere. */
const reserved = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  reserved.addSubnet(network, bits, "ipv4");
}

export function isReserved(host: string): boolean {
  return isIPv4(host) && reserved.check(host, "ipv4");
}

/** Nobody can be connected to there: the unspecified address, and multicast and above. */
function isNoHost(host: string): boolean {
  const first = Number(host.split(".")[0]);
  return first === 0 || first >= 224;
}

export interface Target extends Announced {
  /** What is worth a line in the transcript. */
  readonly note: string | undefined;
}

/** Where `adjustPassiveAddress` lets a data connection go. Undefined: nowhere. */
export function choosePassive(
  rule: boolean | "private-only",
  announced: Announced,
  controlHost: string,
): Target | undefined {
  const { host, port } = announced;
  if (host === controlHost) return { host, port, note: undefined };
  const replaced = {
    host: controlHost,
    port,
    note: `the announced address ${host} is ignored, ${controlHost} is used`,
  };
  if (rule === true || (rule === "private-only" && isReserved(host))) return replaced;
  if (isNoHost(host)) return undefined;
  return { host, port, note: `the announced address ${host} is used, the control connection's is ${controlHost}` };
}
