/** Whose a callback is just now: the server dials for nobody but the holder of a lease that still runs (pure). */
import type { Callback } from "../../../wire_calls";

export type Lease = "free" | "mine" | "theirs";

export function leaseOf(item: Pick<Callback, "owner" | "leased_until">, me: string | null, now: number): Lease {
  if (item.owner === null || item.leased_until === null || Date.parse(item.leased_until) <= now) return "free";
  return item.owner === me ? "mine" : "theirs";
}
