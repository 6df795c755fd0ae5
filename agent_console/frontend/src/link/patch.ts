/** A patch on a channel's data, as a new value that shares every untouched part with the old one (pure). */
import type { PatchOp, Turn } from "../wire";

type Node = Record<string, unknown> | unknown[];

export class PatchError extends Error {}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null;

function withChild(node: unknown, keys: readonly string[], change: (old: unknown) => unknown): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return change(node);
  if (node === undefined || node === null) node = {};
  if (!isNode(node)) throw new PatchError(`no place for ${key}`);
  if (Array.isArray(node)) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index > node.length) throw new PatchError(`bad index ${key}`);
    const next = withChild(node[index], rest, change);
    const copy = node.slice();
    if (next === GONE) copy.splice(index, 1);
    else copy[index] = next;
    return copy;
  }
  const next = withChild(node[key], rest, change);
  const copy = { ...node };
  if (next === GONE) delete copy[key];
  else copy[key] = next;
  return copy;
}

const GONE = Symbol("gone");

const isTurn = (value: unknown): value is Turn =>
  isNode(value) && !Array.isArray(value) && typeof value.seg === "number" && typeof value.rev === "number";

/** A turn replaces the one of its segment when its revision is higher; a final turn never changes. Sorted by start. */
export function withTurn(turns: readonly Turn[], turn: Turn): Turn[] {
  const at = turns.findIndex((known) => known.seg === turn.seg);
  const known = turns[at];
  if (known !== undefined) {
    if (known.final || known.rev >= turn.rev) return turns as Turn[];
    const copy = turns.slice();
    copy[at] = turn;
    return copy;
  }
  let place = turns.length;
  while (place > 0) {
    const before = turns[place - 1] as Turn;
    if (before.t0 < turn.t0 || (before.t0 === turn.t0 && before.seg < turn.seg)) break;
    place -= 1;
  }
  return [...turns.slice(0, place), turn, ...turns.slice(place)];
}

export function applyOps(data: unknown, ops: readonly PatchOp[]): unknown {
  let result = data;
  for (const op of ops) {
    const keys = op[1] === "" ? [] : op[1].split("/");
    switch (op[0]) {
      case "set":
        result = withChild(result, keys, () => op[2]);
        break;
      case "del":
        if (keys.length === 0) throw new PatchError("the root cannot be deleted");
        result = withChild(result, keys, () => GONE);
        break;
      case "app":
        result = withChild(result, keys, (old) => {
          const list = old === undefined || old === null ? [] : old;
          if (!Array.isArray(list)) throw new PatchError(`not a list: ${op[1]}`);
          return isTurn(op[2]) ? withTurn(list as Turn[], op[2]) : [...(list as unknown[]), op[2]];
        });
        break;
      default:
        throw new PatchError("unknown operation");
    }
  }
  return result;
}
