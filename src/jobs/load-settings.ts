import { didYouMean, list } from "../base/nearest.js";
import { type Settings, settingsSchema } from "../settings-schema.js";
import { texts } from "./job-templates.js";
import { parse } from "./parse.js";
import type { Finding, KeyPath, Problem } from "./problem.js";
import type { Source } from "./source.js";
import { checkText, type TextRules } from "./template-check.js";

export interface LoadedSettings {
  readonly settings: Settings;
  readonly problems: readonly Problem[];
  /** True when the agent's time zone cannot be known, because the file or the key is wrong. */
  readonly zoneUnknown: boolean;
}

/** The defaults, for a workspace without ferry.yaml. */
function defaultSettings(): Settings {
  return settingsSchema.parse({});
}

/** What ferry.yaml says, as far as it is right. A policy that cannot be read is the strict one. */
export function loadSettings(source: Source | undefined, secretNames: readonly string[] | undefined): LoadedSettings {
  if (source === undefined || (source.readable && source.data === null)) {
    return { settings: defaultSettings(), problems: [], zoneUnknown: false };
  }
  if (!source.readable)
    return { settings: { ...defaultSettings(), policy: "strict" }, problems: [], zoneUnknown: true };
  const parsed = parse(settingsSchema, source.data);
  if (parsed.value !== undefined) {
    const findings = [
      ...notYet(parsed.value),
      ...unknownChannels(parsed.value),
      ...checkTexts(parsed.value, secretNames),
    ];
    return { settings: parsed.value, problems: findings.map(source.problem), zoneUnknown: false };
  }
  const wrong = new Set(parsed.findings.map((finding) => finding.path[0]));
  const rest =
    typeof source.data === "object" && source.data !== null
      ? Object.entries(source.data).filter(([key]) => !wrong.has(key))
      : [];
  const settings = parse(settingsSchema, Object.fromEntries(rest)).value ?? defaultSettings();
  return {
    settings: wrong.has("policy") || wrong.has(undefined) ? { ...settings, policy: "strict" } : settings,
    problems: parsed.findings.map(source.problem),
    zoneUnknown: wrong.has("timezone") || wrong.has(undefined),
  };
}

function notYet(settings: Settings): Finding[] {
  const later = (key: string, message: string): Finding => ({
    path: [key],
    at: "key",
    severity: "warning",
    code: "FERRY_NOT_SUPPORTED",
    message,
    hint: "remove the key, or leave it for a later version",
  });
  return [
    ...(Object.keys(settings.history).length === 0
      ? []
      : [later("history", "`history` has no effect in this version: nothing is pruned")]),
    ...(settings.smtp === undefined ? [] : [later("smtp", "`smtp` has no effect in this version: no mail is sent")]),
    ...(Object.keys(settings.channels).length === 0
      ? []
      : [later("channels", "`channels` have no effect in this version: nobody is told")]),
    ...(Object.keys(settings.notify).length === 0
      ? []
      : [later("notify", "`notify` has no effect in this version: nobody is told")]),
  ];
}

function unknownChannels(settings: Settings): Finding[] {
  const names = Object.keys(settings.channels);
  return texts(settings.notify, ["notify"])
    .filter(({ text }) => !names.includes(text))
    .map(({ text, path }) => ({
      path,
      message: `unknown channel "${text}"; there are ${list(names, "and")}`,
      hint: didYouMean(text, names),
    }));
}

/** The texts that hold credentials; those of a notice know the notice, which comes later. */
function checkTexts(settings: Settings, secretNames: readonly string[] | undefined): Finding[] {
  const rules: TextRules = {
    names: { roots: ["env"], vars: [], env: settings.env, tasks: [], laterTasks: [] },
    secretNames,
  };
  const isChecked = (path: KeyPath): boolean => path[0] === "smtp" || path[2] === "webhook";
  return [...texts(settings.smtp, ["smtp"]), ...texts(settings.channels, ["channels"])]
    .filter(({ path }) => isChecked(path))
    .flatMap(({ text, path }) => checkText(text, path, rules));
}
