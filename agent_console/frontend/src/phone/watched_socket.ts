/** A JsSIP socket that notices a dead path: the switch asks every few seconds, so silence means nobody is there. */
import { WebSocketInterface } from "jssip";

export const PHONE_SILENCE_MS = 12_000;

type OnDisconnect = (error: boolean, code?: number, reason?: string) => void;

export class WatchedSocket extends WebSocketInterface {
  /** The switch only asks registered phones, so there is nothing to watch before. */
  watching = false;
  private heardAt = 0;
  private timer: ReturnType<typeof setInterval> | null = null;

  constructor(
    url: string,
    private readonly silenceMs = PHONE_SILENCE_MS,
  ) {
    super(url);
    let receive: (data: unknown) => void = () => {};
    Object.defineProperty(this, "ondata", {
      configurable: true,
      get: () => (data: unknown) => {
        this.heardAt = Date.now();
        receive(data);
      },
      set: (given: (data: unknown) => void) => {
        receive = given;
      },
    });
  }

  override connect(): void {
    super.connect();
    this.watching = false;
    this.heardAt = Date.now();
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = setInterval(() => this.check(), 1000);
  }

  override disconnect(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    super.disconnect();
  }

  private check(): void {
    if (!this.watching || !this.isConnected() || Date.now() - this.heardAt < this.silenceMs) return;
    const tell = (this as unknown as { ondisconnect: OnDisconnect }).ondisconnect;
    this.disconnect();
    tell.call(this, true, 4000, "silence"); // JsSIP then connects and registers anew
  }
}
