import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { masked } from "../masking";
import { onlyLoopback } from "./loopback";
import { PHONE_SILENCE_MS, WatchedSocket } from "./watched_socket";

class FakeWebSocket {
  static made: FakeWebSocket[] = [];
  readonly OPEN = 1;
  readonly CONNECTING = 0;
  readyState = 0;
  onopen: (() => void) | null = null;
  onclose: ((event: object) => void) | null = null;
  onmessage: ((event: object) => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    FakeWebSocket.made.push(this);
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  close(): void {
    this.readyState = 3;
  }
  send(): void {}
}

describe("the phone's socket", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", FakeWebSocket);
    FakeWebSocket.made = [];
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  function connected() {
    const socket = new WatchedSocket("ws://127.0.0.1:1/ws");
    const heard = vi.fn();
    const lost = vi.fn();
    Object.assign(socket, { onconnect: () => undefined, ondisconnect: lost });
    socket.ondata = heard as never;
    socket.connect();
    const wire = FakeWebSocket.made[0] as FakeWebSocket;
    wire.open();
    socket.watching = true;
    return { socket, wire, heard, lost };
  }

  it("reports a silent path as lost, within a second of the limit", () => {
    const { lost } = connected();
    vi.advanceTimersByTime(PHONE_SILENCE_MS - 1);
    expect(lost).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1001);
    expect(lost).toHaveBeenCalledExactlyOnceWith(true, 4000, "silence");
  });

  it("hands every message on, and counts it as a sign of life", () => {
    const { wire, heard, lost } = connected();
    for (let at = 0; at < 6; at += 1) {
      vi.advanceTimersByTime(5000);
      wire.onmessage?.({ data: "OPTIONS" });
    }
    expect(heard).toHaveBeenCalledTimes(6);
    expect(lost).not.toHaveBeenCalled();
  });

  it("watches only while the phone is registered", () => {
    const { socket, lost } = connected();
    socket.watching = false;
    vi.advanceTimersByTime(PHONE_SILENCE_MS * 3);
    expect(lost).not.toHaveBeenCalled();
  });

  it("stops watching when it is closed on purpose", () => {
    const { socket, lost } = connected();
    socket.disconnect();
    vi.advanceTimersByTime(PHONE_SILENCE_MS * 3);
    expect(lost).not.toHaveBeenCalled();
  });
});

it("keeps only loopback candidates where a test asks for it", () => {
  const sdp = ["v=0", "a=candidate:1 1 udp 1 10.0.0.5 4000 typ host", "a=candidate:2 1 udp 1 127.0.0.1 4001 typ host", ""];
  expect(onlyLoopback(sdp.join("\r\n"))).toBe(["v=0", sdp[2], ""].join("\r\n"));
});

it("masks numbers", () => {
  expect(["13800000000", "02012345678", "12345", "1", ""].map(masked)).toEqual(["138****0000", "020****5678", "1****", "1", ""]);
});
