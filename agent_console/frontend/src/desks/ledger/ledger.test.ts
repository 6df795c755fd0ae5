import { expect, it } from "vitest";
import { answerSeconds, handoffState } from "./ledger";

const at = (s: number): string => new Date(1_795_296_000_000 + s * 1000).toISOString();

it("tells the outcome of what is over and the state of what goes on", () => {
  expect(handoffState({ state: "joined", outcome: null })).not.toBe("joined");
  expect(handoffState({ state: "ended", outcome: "failed" })).not.toBe(handoffState({ state: "ended", outcome: "completed" }));
  expect(handoffState({ state: "ended", outcome: "something new" })).toBe("something new");
});

it("counts from the key to the answer, on whichever way it came", () => {
  const steps = [
    { at: at(0), step: "requested", route: 1, reason: null },
    { at: at(3), step: "route_failed", route: 1, reason: "silent" as const },
    { at: at(5.5), step: "answered", route: 2, reason: null },
  ];
  expect(answerSeconds({ started_at: at(0), steps })).toBe(5.5);
  expect(answerSeconds({ started_at: at(0), steps: steps.slice(0, 2) })).toBeNull();
});
