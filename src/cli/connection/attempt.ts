import { type Opener, openConnection } from "../../agent/open-connection.js";
import { type Clock, iso } from "../../base/clock.js";
import { type AgentError, asAgentError } from "../../base/errors.js";
import type { Masker } from "../../base/secret.js";
import type { Channel, Direction, Transcript } from "../../base/transcript.js";
import type { OpenStep } from "../../connections/driver.js";
import type { ConnectionDefinition } from "../../connections/registry.js";
import type { SessionFacts } from "../../connections/session.js";
import { count } from "../figures.js";
import { expectedSteps, type StepRecord, stepRecords } from "./steps.js";

export interface SaidLine {
  readonly at: string;
  readonly session: number;
  readonly channel: Channel;
  readonly direction: Direction;
  readonly text: string;
  readonly task: null;
}

export interface Attempt {
  readonly steps: readonly StepRecord[];
  readonly facts: SessionFacts | undefined;
  readonly failure: AgentError | undefined;
  readonly said: readonly SaidLine[];
}

/** Connects, logs in, lists the connection's directory, and says good-bye; whatever happens is told, not thrown. */
export async function attempt(
  { opener, masker }: { readonly opener: Opener; readonly masker: Masker },
  name: string,
  definition: ConnectionDefinition,
  signal: AbortSignal,
): Promise<Attempt> {
  const { clock } = opener;
  const said: SaidLine[] = [];
  const done: OpenStep[] = [];
  let lastStep = clock.monotonic();
  const sinceLast = (): number => clock.monotonic() - lastStep;
  const onStep = (step: OpenStep): void => {
    done.push({ ...step, detail: masker.mask(step.detail) });
    lastStep = clock.monotonic();
  };
  const end = (failure: AgentError | undefined, facts: SessionFacts | undefined): Attempt => {
    return { steps: stepRecords(expectedSteps(definition), done, failure, sinceLast()), facts, failure, said };
  };
  try {
    const opening = { number: 1, transcript: listener(clock, masker, said), signal, byPerson: true, onStep };
    const session = await openConnection(opener, name, definition, opening);
    try {
      const entries = await session.list(".");
      onStep({ name: "list", durationMs: sinceLast(), detail: count(entries.length, "entry", "entries") });
      return end(undefined, session.facts);
    } catch (error) {
      return end(asAgentError(error), session.facts);
    } finally {
      await session.close();
    }
  } catch (error) {
    return end(asAgentError(error), undefined);
  }
}

function listener(clock: Clock, masker: Masker, said: SaidLine[]): Transcript {
  const hear =
    (direction: Direction) =>
    (text: string, channel: Channel = "control") => {
      said.push({ at: iso(clock.now()), session: 1, channel, direction, text: masker.mask(text), task: null });
    };
  return { sent: hear("sent"), received: hear("received"), note: hear("note") };
}
