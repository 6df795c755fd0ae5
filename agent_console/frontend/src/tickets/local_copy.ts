/**
 * What was typed and is not on the server yet, kept in this browser's IndexedDB until it is.
 *
 * It is sealed with a key that the server gives its author alone: the next person at this browser cannot read it, and it
 * is still there when its author comes back. A page that may not use the browser's cryptography (plain http from another
 * machine) keeps nothing.
 */
import type { Edits } from "./editing";

const DATABASE = "hotline";
const STORE = "unsaved";
const VERSION = 2;

interface Owner {
  person: string;
  key: CryptoKey;
}

interface Sealed {
  nonce: Uint8Array<ArrayBuffer>;
  text: ArrayBuffer;
}

let owner: Owner | null = null;
/** One access after the other: what was typed last is what stays, whatever sealing takes. */
let last: Promise<unknown> = Promise.resolve();

function inTurn<T>(act: () => Promise<T>): Promise<T> {
  const mine = last.then(act);
  last = mine.catch(() => undefined);
  return mine;
}

function opened(): Promise<IDBDatabase> {
  return new Promise((done, fail) => {
    const request = indexedDB.open(DATABASE, VERSION);
    request.onupgradeneeded = () => {
      if (request.result.objectStoreNames.contains(STORE)) request.result.deleteObjectStore(STORE);
      request.result.createObjectStore(STORE);
    };
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

const bytes = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../gu) ?? [], (pair) => Number.parseInt(pair, 16));
const place = (whose: Owner, draftId: string): string => `${whose.person}/${draftId}`;
/** A sealed text opens only where it was put. */
const cipher = (nonce: Uint8Array<ArrayBuffer>, at: string): AesGcmParams => ({
  name: "AES-GCM",
  iv: nonce,
  additionalData: new TextEncoder().encode(at),
});

/** Whose texts are kept and found from now on; called before this person sees a desk. `secret`: 32 bytes in hexadecimal. */
export async function belongTo(person: string, secret: string): Promise<void> {
  owner = null;
  if (globalThis.crypto?.subtle === undefined) return;
  const key = await crypto.subtle.importKey("raw", bytes(secret), "AES-GCM", false, ["encrypt", "decrypt"]);
  owner = { person, key };
}

/** Whether what is typed outlives this page. */
export const remembers = (): boolean => owner !== null;

export function keep(draftId: string, edits: Edits): Promise<void> {
  const whose = owner;
  return inTurn(async () => {
    if (whose === null) return;
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    const at = place(whose, draftId);
    const text = await crypto.subtle.encrypt(cipher(nonce, at), whose.key, new TextEncoder().encode(JSON.stringify(edits)));
    await inStore("readwrite", (store) => store.put({ nonce, text } satisfies Sealed, at));
  });
}

export function kept(draftId: string): Promise<Edits | null> {
  const whose = owner;
  return inTurn(async () => {
    if (whose === null) return null;
    const at = place(whose, draftId);
    const sealed = await inStore<Sealed | undefined>("readonly", (store) => store.get(at));
    if (sealed === undefined) return null;
    const text = await crypto.subtle.decrypt(cipher(sealed.nonce, at), whose.key, sealed.text);
    return JSON.parse(new TextDecoder().decode(text)) as Edits;
  });
}

export function drop(draftId: string): Promise<void> {
  const whose = owner;
  return inTurn(async () => {
    if (whose !== null) await inStore("readwrite", (store) => store.delete(place(whose, draftId)));
  });
}

/** The drafts of which this person has unsent texts in this browser. */
export function all(): Promise<string[]> {
  const whose = owner;
  return inTurn(async () => {
    if (whose === null) return [];
    const found = await inStore("readonly", (store) => store.getAllKeys());
    const start = place(whose, "");
    return found.flatMap((key) => (typeof key === "string" && key.startsWith(start) ? [key.slice(start.length)] : []));
  });
}
