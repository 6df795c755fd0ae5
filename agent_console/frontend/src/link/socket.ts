/** The machine's hands: fetches a ticket, opens the WebSocket, carries out effects, ticks once a second. */
import type { ServerMessage } from "../wire";
import { LinkMachine, type Effect } from "./machine";

export interface LinkOptions {
  url: string;
  build: string;
  /** Resolves to a one-time ticket; null when the session is over; rejects when the server cannot be asked. */
  ticket: () => Promise<string | null>;
  /** Called after anything changed; `channels` names those whose data did. */
  changed: (channels: ReadonlySet<string>) => void;
}

export class Link {
  readonly machine: LinkMachine;
  private socket: WebSocket | null = null;
  private opening = 0;
  private timer: ReturnType<typeof setInterval> | null = null;
  private readonly onWake = (): void => {
    if (document.visibilityState === "visible") this.run(this.machine.wake(Date.now()));
  };

  constructor(private readonly options: LinkOptions) {
    this.machine = new LinkMachine(crypto.randomUUID(), options.build);
  }

  start(): void {
    this.timer ??= setInterval(() => this.run(this.machine.tick(Date.now())), 1000);
    window.addEventListener("online", this.onWake);
    document.addEventListener("visibilitychange", this.onWake);
    this.run(this.machine.start(Date.now()));
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    window.removeEventListener("online", this.onWake);
    document.removeEventListener("visibilitychange", this.onWake);
    this.run(this.machine.stop());
  }

  subscribe(ch: string): void {
    this.run(this.machine.subscribe(ch));
  }

  unsubscribe(ch: string): void {
    this.run(this.machine.unsubscribe(ch));
  }

  takeOver(): void {
    this.run(this.machine.takeOver(Date.now()));
  }

  private run(effects: Effect[]): void {
    for (const effect of effects) {
      if (effect.do === "send") this.socket?.send(JSON.stringify(effect.message));
      else if (effect.do === "close") this.drop();
      else void this.open();
    }
    const channels = new Set(this.machine.changed);
    this.machine.changed.clear();
    this.options.changed(channels);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private async open(): Promise<void> {
    this.drop();
    const mine = ++this.opening;
    let ticket: string | null;
    try {
      ticket = await this.options.ticket();
    } catch {
      if (mine === this.opening) this.run(this.machine.closed(1006, Date.now()));
      return;
    }
    if (mine !== this.opening || this.machine.status !== "connecting") return;
    if (ticket === null) {
      this.run(this.machine.refusedTicket());
      return;
    }
    const given = ticket;
    const socket = new WebSocket(this.options.url);
    this.socket = socket;
    socket.onopen = () => {
      if (this.socket === socket) this.run(this.machine.opened(given, Date.now()));
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (this.socket !== socket || typeof event.data !== "string") return;
      this.run(this.machine.received(JSON.parse(event.data) as ServerMessage, Date.now()));
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.run(this.machine.closed(event.code, Date.now()));
    };
  }
}
