import { expect, test } from "vitest";
import { type Decision, decide, decideDirect, type Look } from "../../../src/tasks/delivery/recovery.js";
import type { DeliveryState } from "../../../src/tasks/ledger.js";

const LOOKS: readonly Look[] = ["absent", "complete", "other"];

/** state, temporary, final → what to do; "*" stands for any. */
const TABLE: readonly (readonly [DeliveryState, Look | "*", Look | "*", Decision])[] = [
  ["planned", "*", "*", "send"],
  ["sending", "complete", "*", "check"],
  ["sending", "other", "*", "send"],
  ["sending", "absent", "*", "send"],
  ["receiving", "other", "*", "send"],
  ["receiving", "absent", "*", "send"],
  ["sent", "complete", "*", "publish"],
  ["sent", "other", "*", "send"],
  ["sent", "absent", "*", "send"],
  ["received", "complete", "*", "publish"],
  ["received", "other", "*", "send"],
  ["received", "absent", "*", "send"],
  ["publishing", "complete", "*", "publish"],
  ["publishing", "other", "*", "send"],
  ["publishing", "absent", "complete", "delivered"],
  ["publishing", "absent", "other", "hold"],
  ["publishing", "absent", "absent", "hold"],
];

test.each(TABLE)("%s with the temporary %s and the final name %s: %s", (state, temporary, final, decision) => {
  const decisions = expand(temporary).flatMap((t) =>
    expand(final).map((f) => decide(state, { temporary: t, final: f })),
  );
  expect(new Set(decisions)).toEqual(new Set([decision]));
});

test("nothing is sent again while it may have been published", () => {
  const sentAgain = LOOKS.filter((final) => decide("publishing", { temporary: "absent", final }) === "send");
  expect(sentAgain).toEqual([]);
});

test.each<readonly [DeliveryState, Look, "new" | "over an older one", Decision]>([
  ["planned", "absent", "new", "send"],
  ["planned", "complete", "over an older one", "send"],
  ["sending", "absent", "new", "hold"],
  ["sending", "other", "new", "send"],
  ["sending", "complete", "new", "check"],
  ["sending", "complete", "over an older one", "send"],
  ["sent", "complete", "new", "delivered"],
  ["sent", "other", "new", "hold"],
  ["sent", "absent", "new", "hold"],
])("published directly on a server: %s with the final name %s, written %s: %s", (state, final, how, decision) => {
  expect(decideDirect(state, final, { wasAbsent: how === "new", local: false })).toBe(decision);
});

test("published directly here, what was begun is written again: nobody else can have taken it whole", () => {
  const decisions = LOOKS.map((final) => decideDirect("receiving", final, { wasAbsent: true, local: true }));
  expect(decisions).toEqual(["send", "send", "send"]);
});

function expand(look: Look | "*"): readonly Look[] {
  return look === "*" ? LOOKS : [look];
}
