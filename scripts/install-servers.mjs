/**
 * Puts real FTP and SSH servers into `.servers/`, where the tests start them on loopback.
 * Debian's FTP servers conflict with one another and start daemons when installed, so they are unpacked, not installed.
 *
 *   node scripts/install-servers.mjs           makes everything available (needs root the first time)
 *   node scripts/install-servers.mjs --where   prints where each program is, as JSON
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { accountReady, makeAccount } from "./test-account.mjs";

const repository = dirname(dirname(fileURLToPath(import.meta.url)));

/** Every program the tests use: the package it comes from and its place within that package. */
const programs = {
  vsftpd: { package: "vsftpd", path: "usr/sbin/vsftpd" },
  proftpd: { package: "proftpd-core", path: "usr/sbin/proftpd" },
  "proftpd-mod-tls": { package: "proftpd-mod-crypto", path: "usr/lib/proftpd/mod_tls.so" },
  "pure-ftpd": { package: "pure-ftpd", path: "usr/sbin/pure-ftpd" },
  "pure-pw": { package: "pure-ftpd", path: "usr/bin/pure-pw" },
  sshd: { package: "openssh-server", path: "usr/sbin/sshd" },
  age: { package: "age", path: "usr/bin/age" },
  "age-keygen": { package: "age", path: "usr/bin/age-keygen" },
  strace: { package: "strace", path: "usr/bin/strace" },
  openssl: { package: "openssl", path: "usr/bin/openssl" },
  "ssh-keygen": { package: "openssh-client", path: "usr/bin/ssh-keygen" },
};

/** Programs that are used from the system when they are there; servers never are, because distributions patch paths in. */
const fromSystem = new Set(["age", "age-keygen", "strace", "openssl", "ssh-keygen"]);

/** Where each program is: an absolute path, or undefined when it is missing or a library of it is. */
export function where() {
  return Object.fromEntries(Object.keys(programs).map((name) => [name, locate(name)]));
}

/** What is still missing, in words for a person. Empty when the tests can run in full. */
export function missing() {
  const absent = Object.entries(where()).filter(([, path]) => path === undefined);
  const lacking = absent.map(([name]) => `${name} (Debian package ${programs[name].package})`);
  return accountReady() ? lacking : [...lacking, "the system account of the test servers"];
}

/** Makes everything available. Needs root and a Debian-like system. */
export function install() {
  const absent = Object.entries(where()).filter(([, path]) => path === undefined);
  const packages = [...new Set(absent.map(([name]) => programs[name].package))];
  if (packages.length > 0) unpack(packages);
  makeAccount();
}

function locate(name) {
  const { package: from, path } = programs[name];
  const unpacked = join(repository, ".servers", from, path);
  const candidates = fromSystem.has(name) ? [...onPath(name), unpacked] : [unpacked];
  return candidates.find((candidate) => existsSync(candidate) && librariesFound(candidate));
}

function onPath(name) {
  return (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
}

/** A `.servers/` kept from another container may lack the shared libraries. */
function librariesFound(binary) {
  try {
    return !execFileSync("ldd", [binary], { encoding: "utf8", stdio: "pipe" }).includes("not found");
  } catch (failure) {
    return String(failure.stderr).includes("not a dynamic executable");
  }
}

function unpack(packages) {
  const downloads = mkdtempSync(join(tmpdir(), "ferry-servers-"));
  try {
    apt(["update", "-qq"]);
    apt(["download", ...packages], downloads);
    const archives = readdirSync(downloads).filter((file) => file.endsWith(".deb"));
    for (const archive of archives) {
      const target = join(repository, ".servers", archive.slice(0, archive.indexOf("_")));
      rmSync(target, { recursive: true, force: true });
      mkdirSync(target, { recursive: true });
      execFileSync("dpkg", ["-x", join(downloads, archive), target], { stdio: "inherit" });
    }
    chmodSync(join(repository, ".servers"), 0o755);
    installLibraries(archives.map((archive) => join(downloads, archive)));
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

/** Only the shared libraries: nothing else that a server depends on is needed to run it, and some of it conflicts. */
function installLibraries(archives) {
  const fields = archives.map((file) => execFileSync("dpkg-deb", ["-f", file, "Depends"], { encoding: "utf8" }));
  const names = fields.flatMap((field) => field.split(",").map((item) => item.trim().split(/[ |:(]/)[0]));
  const libraries = [...new Set(names)].filter((name) => name.startsWith("lib") && !installed(name));
  if (libraries.length > 0) apt(["install", "-y", "-qq", "--no-install-recommends", ...libraries]);
}

function installed(name) {
  try {
    const facts = execFileSync("dpkg-query", ["--status", name], { encoding: "utf8", stdio: "pipe" });
    return facts.includes("Status: install ok installed");
  } catch {
    return false;
  }
}

function apt(args, cwd = repository) {
  // Without the option, a download into a folder of root's is refused to apt's own user.
  execFileSync("apt-get", ["-o", "APT::Sandbox::User=root", ...args], {
    cwd,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}

/** For the tests. Written only when it changed: root may have installed what another user now runs. */
function rememberWhere() {
  const file = join(repository, ".servers", "where.json");
  const text = `${JSON.stringify(where(), undefined, 2)}\n`;
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function main() {
  if (process.argv.includes("--where")) {
    console.log(JSON.stringify(where(), undefined, 2));
    return;
  }
  let lacking = missing();
  if (lacking.length > 0 && process.getuid?.() === 0) {
    console.log(`installing for the tests: ${lacking.join(", ")}`);
    try {
      install();
    } catch (failure) {
      console.error(`could not install: ${failure.message}`);
    }
    lacking = missing();
  }
  rememberWhere();
  if (lacking.length === 0) return;
  const banner = "!".repeat(100);
  console.error(`${banner}\nMISSING for the tests:\n${lacking.map((item) => `  - ${item}`).join("\n")}`);
  console.error(
    `Tests that need them are skipped. On Debian or Ubuntu, as root: node scripts/install-servers.mjs\n${banner}`,
  );
  process.exitCode = process.env.CI ? 1 : 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main();
