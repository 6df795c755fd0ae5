import { expect, it } from "vitest";
import { leaseOf } from "./lease";

const until = "2026-11-21T06:00:00Z";
const at = Date.parse(until);

it("is mine or somebody else's while the lease runs, and nobody's from its end on", () => {
  expect(leaseOf({ owner: "8001", leased_until: until }, "8001", at - 1)).toBe("mine");
  expect(leaseOf({ owner: "8002", leased_until: until }, "8001", at - 1)).toBe("theirs");
  expect(leaseOf({ owner: "8002", leased_until: until }, "8001", at)).toBe("free");
  expect(leaseOf({ owner: null, leased_until: null }, "8001", at)).toBe("free");
});
