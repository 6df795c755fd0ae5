/** What was typed and is not on the server yet, kept in this browser's IndexedDB until it is. */
import type { Edits } from "./editing";

const DATABASE = "hotline";
const STORE = "unsaved";
/** Whose texts the others are; no draft has this for an id. */
const OWNER = "owner";

function opened(): Promise<IDBDatabase> {
  return new Promise((done, fail) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error ?? new Error("indexedDB"));
  });
}

async function inStore<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await opened();
  try {
    return await new Promise<T>((done, fail) => {
      const request = act(database.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => done(request.result);
      request.onerror = () => fail(request.error ?? new Error("indexedDB"));
    });
  } finally {
    database.close();
  }
}

export async function keep(draftId: string, edits: Edits): Promise<void> {
  await inStore("readwrite", (store) => store.put(JSON.stringify(edits), draftId));
}

export async function kept(draftId: string): Promise<Edits | null> {
  const text = await inStore<unknown>("readonly", (store) => store.get(draftId) as IDBRequest<unknown>);
  return typeof text === "string" ? (JSON.parse(text) as Edits) : null;
}

export async function drop(draftId: string): Promise<void> {
  await inStore("readwrite", (store) => store.delete(draftId));
}

/** Called before this person sees a desk: what somebody else typed in this browser is gone by then. */
export async function belongTo(person: string): Promise<void> {
  const owner = await inStore<unknown>("readonly", (store) => store.get(OWNER) as IDBRequest<unknown>);
  if (owner === person) return;
  await dropAll();
  await inStore("readwrite", (store) => store.put(person, OWNER));
}

export async function dropAll(): Promise<void> {
  await inStore("readwrite", (store) => store.clear());
}
