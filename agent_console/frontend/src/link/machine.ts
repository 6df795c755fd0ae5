/**
 * The client side of hotline.v1 without a socket: what came in goes in, what is to be done comes out.
 *
 * ```
 * idle -> connecting -> greeting -> live -> waiting -> connecting ...
 *                                    |-> superseded (another window took over; only a person leaves this state)
 *                                    `-> ended      (the session is over)
 * ```
 * Time is an argument everywhere. The owner carries out the effects and calls `tick` about once a second.
 */
import { BYE, type ClientMessage, type Patch, type ServerMessage, type Snapshot, type Subscription } from "../wire";
import { backoffMs } from "./backoff";
import { applyOps } from "./patch";

export type LinkStatus = "idle" | "connecting" | "greeting" | "live" | "waiting" | "superseded" | "ended";

export type Effect =
  | { do: "connect" }
  | { do: "send"; message: ClientMessage }
  | { do: "close" };

export interface Channel {
  epoch: string | null;
  seq: number;
  data: unknown;
  /** Patches that came before their turn: before the snapshot, or behind a gap. */
  early: Patch[];
  resyncAt: number | null;
  /** The server's refusal, e.g. `forbidden`; cleared by a new subscription. */
  refused: string | null;
}

export const SILENCE_MS = 12_000;
const CONNECT_LIMIT_MS = 10_000;
const RESYNC_AGAIN_MS = 5_000;
const MOST_EARLY = 600;

export class LinkMachine {
  status: LinkStatus = "idle";
  /** Failed attempts since the link was last live. */
  attempt = 0;
  /** Server clock minus ours. */
  offsetMs = 0;
  lastFrameAt = 0;
  retryAt: number | null = null;
  /** Channels whose data changed since the owner last asked. */
  readonly changed = new Set<string>();
  readonly channels = new Map<string, Channel>();
  serverBuild: string | null = null;
  private startedAt = 0;
  private heartbeatMs = 5_000;
  private heartbeatAt = 0;

  constructor(
    private readonly tab: string,
    private readonly build: string,
    private readonly random: () => number = Math.random,
  ) {}

  // ---- what the owner wants --------------------------------------------------------------------------------------

  start(now: number): Effect[] {
    if (this.status !== "idle" && this.status !== "waiting") return [];
    return this.connect(now);
  }

  stop(): Effect[] {
    const open = this.status === "connecting" || this.status === "greeting" || this.status === "live";
    this.status = "idle";
    this.attempt = 0;
    this.retryAt = null;
    this.channels.clear();
    return open ? [{ do: "close" }] : [];
  }

  subscribe(ch: string): Effect[] {
    const known = this.channels.get(ch);
    if (known !== undefined && known.refused === null) return [];
    this.channels.set(ch, { epoch: null, seq: 0, data: undefined, early: [], resyncAt: null, refused: null });
    return this.status === "live" ? [{ do: "send", message: { t: "sub", ch } }] : [];
  }

  unsubscribe(ch: string): Effect[] {
    const known = this.channels.get(ch);
    if (known === undefined) return [];
    this.channels.delete(ch);
    this.changed.add(ch);
    return this.status === "live" && known.refused === null ? [{ do: "send", message: { t: "unsub", ch } }] : [];
  }

  /** The network came back, or the page became visible: do not sit out the wait. */
  wake(now: number): Effect[] {
    return this.status === "waiting" ? this.connect(now) : [];
  }

  /** A person asks for the seat back in this window. */
  takeOver(now: number): Effect[] {
    if (this.status !== "superseded") return [];
    this.attempt = 0;
    return this.connect(now);
  }

  // ---- what happened ---------------------------------------------------------------------------------------------

  opened(ticket: string, now: number): Effect[] {
    if (this.status !== "connecting") return [];
    this.status = "greeting";
    this.lastFrameAt = now;
    const subs: Subscription[] = [];
    for (const [ch, channel] of this.channels) {
      channel.resyncAt = null;
      channel.early = [];
      channel.refused = null;
      subs.push(channel.epoch === null ? { ch } : { ch, epoch: channel.epoch, seq: channel.seq });
    }
    return [{ do: "send", message: { t: "hello", v: 1, ticket, tab: this.tab, build: this.build, subs } }];
  }

  /** The session is over: no ticket is given any more. */
  refusedTicket(): Effect[] {
    this.status = "ended";
    return [];
  }

  closed(code: number, now: number): Effect[] {
    if (this.status === "idle" || this.status === "superseded" || this.status === "ended" || this.status === "waiting") {
      return [];
    }
    if (code === BYE.superseded) this.status = "superseded";
    else if (code === BYE.sessionEnded) this.status = "ended";
    else this.wait(now, code === BYE.draining ? [0, 3000] : null);
    return [];
  }

  received(message: ServerMessage, now: number): Effect[] {
    if (this.status !== "greeting" && this.status !== "live") return [];
    this.lastFrameAt = now;
    switch (message.t) {
      case "welcome":
        this.status = "live";
        this.attempt = 0;
        this.offsetMs = message.now - now;
        this.heartbeatMs = message.hb;
        this.heartbeatAt = now + message.hb;
        this.serverBuild = message.build;
        return [];
      case "hb":
        this.offsetMs = message.now - now;
        return this.compareTails(message.seqs, now);
      case "snap":
        this.take(message);
        return [];
      case "p":
        return this.patch(message, now);
      case "b":
        return message.p.flatMap((patch) => this.patch(patch, now));
      case "err": {
        const channel = message.ch === undefined ? undefined : this.channels.get(message.ch);
        if (channel !== undefined) {
          channel.refused = message.code;
          this.changed.add(message.ch as string);
        }
        return [];
      }
      case "bye":
        return this.bye(message.code, message.retry ?? null, now);
      default:
        return []; // a newer server may say more
    }
  }

  tick(now: number): Effect[] {
    if (this.status === "waiting") return this.retryAt !== null && now >= this.retryAt ? this.connect(now) : [];
    if (this.status === "connecting" || this.status === "greeting") {
      if (now - this.startedAt < CONNECT_LIMIT_MS) return [];
      this.wait(now, null);
      return [{ do: "close" }];
    }
    if (this.status !== "live") return [];
    if (now - this.lastFrameAt >= SILENCE_MS) {
      this.wait(now, null);
      return [{ do: "close" }];
    }
    const effects: Effect[] = [];
    if (now >= this.heartbeatAt) {
      this.heartbeatAt = now + this.heartbeatMs;
      effects.push({ do: "send", message: { t: "hb", now } });
    }
    for (const [ch, channel] of this.channels) {
      if (channel.resyncAt !== null && now - channel.resyncAt >= RESYNC_AGAIN_MS) effects.push(...this.resync(ch, channel, now));
    }
    return effects;
  }

  // ---- inside ----------------------------------------------------------------------------------------------------

  private connect(now: number): Effect[] {
    this.status = "connecting";
    this.startedAt = now;
    this.retryAt = null;
    return [{ do: "connect" }];
  }

  private wait(now: number, spread: readonly [number, number] | null): void {
    this.status = "waiting";
    this.attempt += 1;
    const delay =
      spread === null ? backoffMs(this.attempt, this.random) : spread[0] + (spread[1] - spread[0]) * this.random();
    this.retryAt = now + delay;
  }

  private bye(code: number, retry: readonly [number, number] | null, now: number): Effect[] {
    if (code === BYE.superseded) this.status = "superseded";
    else if (code === BYE.sessionEnded) this.status = "ended";
    else this.wait(now, retry);
    return [{ do: "close" }];
  }

  private take(snapshot: Snapshot): void {
    const channel = this.channels.get(snapshot.ch);
    if (channel === undefined) return;
    channel.epoch = snapshot.epoch;
    channel.seq = snapshot.seq;
    channel.data = snapshot.data;
    channel.resyncAt = null;
    channel.refused = null;
    this.changed.add(snapshot.ch);
    this.drain(snapshot.ch, channel);
  }

  private patch(patch: Patch, now: number): Effect[] {
    const channel = this.channels.get(patch.ch);
    if (channel === undefined) return [];
    if (channel.epoch === null) {
      keepEarly(channel, patch);
      return [];
    }
    if (patch.seq <= channel.seq) return [];
    keepEarly(channel, patch);
    if (!this.drain(patch.ch, channel)) {
      // Our copy does not fit the patch, and a replay would not either: only a new subscription brings a snapshot.
      this.channels.delete(patch.ch);
      return [{ do: "send", message: { t: "unsub", ch: patch.ch } }, ...this.subscribe(patch.ch)];
    }
    if (channel.early.length > 0 && channel.resyncAt === null) return this.resync(patch.ch, channel, now);
    return [];
  }

  /** Apply every early patch whose turn has come. False when one does not fit. */
  private drain(ch: string, channel: Channel): boolean {
    channel.early = channel.early.filter((patch) => patch.seq > channel.seq).sort((a, b) => a.seq - b.seq);
    while (channel.early[0] !== undefined && channel.early[0].seq === channel.seq + 1) {
      const patch = channel.early.shift() as Patch;
      try {
        channel.data = applyOps(channel.data, patch.ops);
      } catch {
        return false;
      }
      channel.seq = patch.seq;
      this.changed.add(ch);
    }
    if (channel.early.length === 0) channel.resyncAt = null;
    return true;
  }

  private compareTails(seqs: Record<string, number>, now: number): Effect[] {
    const effects: Effect[] = [];
    for (const [ch, channel] of this.channels) {
      const tail = seqs[ch];
      if (tail === undefined || channel.resyncAt !== null || channel.epoch === null) continue;
      if (tail > channel.seq) effects.push(...this.resync(ch, channel, now));
    }
    return effects;
  }

  private resync(ch: string, channel: Channel, now: number): Effect[] {
    channel.resyncAt = now;
    return [{ do: "send", message: { t: "resync", ch, have: channel.seq } }];
  }
}

function keepEarly(channel: Channel, patch: Patch): void {
  if (channel.early.length >= MOST_EARLY) channel.early = [];
  if (!channel.early.some((known) => known.seq === patch.seq)) channel.early.push(patch);
}
