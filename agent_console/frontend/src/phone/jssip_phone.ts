/** The soft-phone over JsSIP: registers, rings, answers, holds, ends; survives a cut signalling path. */
import { UA } from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { IncomingRTCSessionEvent, RTCSessionEvent } from "jssip/lib/UA";
import type { SipAccount } from "../wire";
import { loopbackOnly, onlyLoopback } from "./loopback";
import type { MediaCounters, PhoneCall, PhoneCallPurpose, PhoneEvent, PhoneLine, PhoneMark, Softphone } from "./softphone";
import { WatchedSocket } from "./watched_socket";

const REGISTER_EXPIRES_S = 60;
const MEDIA_GONE_MS = 8_000;
/** Tells the switch that nobody hung up: it keeps a caller who is still there. */
const MEDIA_LOST = 'Reason: Q.850;cause=41;text="media lost"';
/** Legs that this operator asked the server for: the switch says so in a header, and they are answered without a person. */
const ASKED_FOR: readonly (readonly [string, PhoneCallPurpose])[] = [
  ["X-Hotline-Recover", "call"],
  ["X-Hotline-Outbound", "outbound"],
  ["X-Hotline-Supervise", "supervision"],
];
const MEDIA_WATCH_MS = 20;
const MEDIA_WATCH_LIMIT_MS = 5_000;

export class JsSipPhone implements Softphone {
  line: PhoneLine = "off";
  call: PhoneCall | null = null;
  private ua: UA | null = null;
  private socket: WatchedSocket | null = null;
  private session: RTCSession | null = null;
  private microphone: MediaStream | null = null;
  private readonly audio: HTMLAudioElement;
  private readonly listeners: ((event: PhoneEvent) => void)[] = [];
  private dropped = false;
  private mediaTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly lastMicrophone: () => MediaStream | null = () => null) {
    this.audio = document.createElement("audio");
    this.audio.autoplay = true;
    document.body.append(this.audio);
  }

  listen(listener: (event: PhoneEvent) => void): void {
    this.listeners.push(listener);
  }

  register(account: SipAccount): void {
    this.unregister();
    this.socket = new WatchedSocket(account.ws_url);
    const ua = new UA({
      sockets: [this.socket],
      uri: account.uri,
      password: account.password,
      register: true,
      register_expires: REGISTER_EXPIRES_S,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 8,
      user_agent: "hotline-console",
    });
    this.ua = ua;
    this.say({ type: "line", line: (this.line = "connecting") });
    ua.on("registered", () => this.onRegistered(ua));
    ua.on("disconnected", () => {
      if (this.ua !== ua) return;
      if (this.line !== "lost") this.mark("lost");
      this.dropped = true;
      this.setLine("lost");
    });
    ua.on("unregistered", () => {
      if (this.ua === ua && this.line === "registered") this.setLine("connecting");
    });
    ua.on("registrationFailed", (event: { response?: { status_code?: number } }) => {
      if (this.ua !== ua) return;
      // Without an answer it is the path that failed, and JsSIP tries again.
      this.setLine(event.response?.status_code === undefined ? "lost" : "refused");
    });
    ua.on("newRTCSession", (event: RTCSessionEvent) => {
      if (this.ua === ua && event.originator === "remote") this.onInvite(event as IncomingRTCSessionEvent);
    });
    ua.start();
  }

  unregister(): void {
    const ua = this.ua;
    this.ua = null;
    this.dropped = false;
    ua?.stop();
    this.socket?.disconnect();
    this.socket = null;
    if (ua !== null) this.setLine("off");
  }

  answer(microphone: MediaStream): void {
    if (this.session === null || this.call?.state !== "ringing") return;
    this.change({ state: "answering" });
    this.accept(this.session, microphone);
  }

  hangUp(): void {
    if (this.session !== null && !this.session.isEnded()) this.session.terminate();
  }

  hold(): void {
    this.session?.hold();
  }

  resume(): void {
    this.session?.unhold();
  }

  mute(on: boolean): void {
    if (this.session === null) return;
    if (on) this.session.mute({ audio: true });
    else this.session.unmute({ audio: true });
  }

  dtmf(key: string): void {
    this.session?.sendDTMF(key, { transportType: "RFC2833" as never });
  }

  renegotiate(): void {
    if (this.session?.isEstablished() === true) this.session.renegotiate({ useUpdate: false });
  }

  endLocally(): void {
    this.end([]);
  }

  async useMicrophone(microphone: MediaStream): Promise<void> {
    const sender = this.session?.connection?.getSenders().find((each) => each.track?.kind === "audio");
    const copy = microphone.clone();
    const track = copy.getAudioTracks()[0];
    if (sender === undefined || track === undefined) return;
    track.enabled = this.call?.muted !== true;
    await sender.replaceTrack(track);
    stopTracks(this.microphone);
    this.microphone = copy;
  }

  async useSpeaker(deviceId: string): Promise<void> {
    await this.audio.setSinkId(deviceId);
  }

  async counters(): Promise<MediaCounters | null> {
    const connection = this.session?.connection;
    if (connection === undefined || connection === null) return null;
    const found: MediaCounters = {
      packetsReceived: 0,
      packetsSent: 0,
      packetsLost: 0,
      jitterS: 0,
      bytesReceived: 0,
      bytesSent: 0,
      totalAudioEnergy: 0,
      codec: "",
      dtls: "",
    };
    for (const report of (await connection.getStats()).values() as Iterable<Record<string, unknown>>) {
      const number = (name: string): number => (typeof report[name] === "number" ? report[name] : 0);
      if (report.type === "inbound-rtp") {
        found.packetsReceived += number("packetsReceived");
        found.packetsLost += number("packetsLost");
        found.bytesReceived += number("bytesReceived");
        found.jitterS = number("jitter");
        found.totalAudioEnergy = number("totalAudioEnergy");
      } else if (report.type === "outbound-rtp") {
        found.packetsSent += number("packetsSent");
        found.bytesSent += number("bytesSent");
      } else if (report.type === "codec" && found.codec === "") found.codec = String(report.mimeType);
      else if (report.type === "transport") found.dtls = String(report.dtlsState);
    }
    return found;
  }

  // ---- inside ----------------------------------------------------------------------------------------------------

  private end(extraHeaders: string[]): void {
    const session = this.session;
    if (session === null) return;
    if (!session.isEnded()) session.terminate({ extraHeaders });
    if (this.session === session) this.forget();
  }

  private accept(session: RTCSession, microphone: MediaStream): void {
    this.microphone = microphone.clone();
    this.mark("answer");
    session.answer({
      mediaStream: this.microphone,
      pcConfig: { iceServers: [], bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" },
    });
  }

  private onRegistered(ua: UA): void {
    if (this.ua !== ua) return;
    if (this.socket !== null) this.socket.watching = true;
    if (this.line !== "registered") this.mark("registered");
    this.setLine("registered");
    if (!this.dropped) return;
    this.dropped = false;
    // The switch still sends this dialog's requests down the old connection: without a new offer the caller's BYE never comes.
    this.renegotiate();
  }

  private onInvite({ session, request }: IncomingRTCSessionEvent): void {
    if (this.session !== null && !this.session.isEnded()) {
      session.terminate({ status_code: 486 });
      return;
    }
    this.session = session;
    const header = (name: string): string | null => (request.getHeader(name) as string | undefined) ?? null;
    const expected = ASKED_FOR.some(([name]) => header(name) !== null);
    const microphone = expected ? this.lastMicrophone() : null;
    this.call = {
      purpose: ASKED_FOR.find(([name]) => header(name) !== null)?.[1] ?? "call",
      callId: header("X-Hotline-Call-Id"),
      number: session.remote_identity.uri.user ?? "",
      state: microphone === null ? "ringing" : "answering",
      muted: false,
      since: Date.now(),
      mediaDownSince: null,
    };
    if (loopbackOnly()) {
      session.on("sdp", (event) => {
        if (event.originator === "local") event.sdp = onlyLoopback(event.sdp);
      });
    }
    session.on("peerconnection", ({ peerconnection }) => this.onConnection(session, peerconnection));
    session.on("confirmed", () => {
      if (this.session !== session) return;
      this.mark("confirmed");
      this.change({ state: "talking", since: Date.now() });
      void this.awaitMedia(session);
    });
    session.on("hold", () => this.onHold(session));
    session.on("unhold", () => this.onHold(session));
    session.on("muted", () => this.session === session && this.change({ muted: true }));
    session.on("unmuted", () => this.session === session && this.change({ muted: false }));
    session.on("ended", () => this.session === session && this.forget());
    session.on("failed", () => this.session === session && this.forget());
    this.mark("ring");
    this.say({ type: "call", call: this.call });
    if (microphone !== null) queueMicrotask(() => this.accept(session, microphone)); // JsSIP is not ready before
  }

  private onHold(session: RTCSession): void {
    if (this.session !== session) return;
    const held = session.isOnHold();
    this.change({ state: held.local || held.remote ? "held" : "talking" });
  }

  private onConnection(session: RTCSession, connection: RTCPeerConnection): void {
    connection.addEventListener("track", (event) => {
      this.audio.srcObject = event.streams[0] ?? new MediaStream([event.track]);
      void this.audio.play().catch(() => undefined); // the next gesture starts it; capturing pages may play anyway
    });
    connection.addEventListener("connectionstatechange", () => {
      if (this.session !== session || this.call === null) return;
      if (this.mediaTimer !== null) clearTimeout(this.mediaTimer);
      this.mediaTimer = null;
      switch (connection.connectionState) {
        case "connected":
          this.mark("connected");
          this.change({ mediaDownSince: null });
          break;
        case "disconnected":
        case "failed":
          if (this.call.mediaDownSince === null) this.change({ mediaDownSince: Date.now() });
          this.mediaTimer = setTimeout(
            () => this.session === session && this.end([MEDIA_LOST]),
            MEDIA_GONE_MS - (Date.now() - (this.call.mediaDownSince ?? Date.now())),
          );
          break;
        default:
          break;
      }
    });
  }

  /** Mark the moment at which the first packet of the caller arrived. */
  private async awaitMedia(session: RTCSession): Promise<void> {
    const until = Date.now() + MEDIA_WATCH_LIMIT_MS;
    while (this.session === session && Date.now() < until) {
      const counted = await this.counters().catch(() => null);
      if (counted !== null && counted.packetsReceived > 0) {
        this.mark("media");
        return;
      }
      await new Promise((done) => setTimeout(done, MEDIA_WATCH_MS));
    }
  }

  private forget(): void {
    this.mark("ended");
    this.session = null;
    this.call = null;
    if (this.mediaTimer !== null) clearTimeout(this.mediaTimer);
    this.mediaTimer = null;
    stopTracks(this.microphone);
    this.microphone = null;
    this.audio.srcObject = null;
    this.say({ type: "call", call: null });
  }

  private setLine(line: PhoneLine): void {
    if (this.line === line) return;
    this.line = line;
    this.say({ type: "line", line });
  }

  private change(part: Partial<PhoneCall>): void {
    if (this.call === null) return;
    this.call = { ...this.call, ...part };
    this.say({ type: "call", call: this.call });
  }

  private mark(name: PhoneMark["name"]): void {
    this.say({ type: "mark", mark: { name, at: Date.now(), callId: this.call?.callId ?? null } });
  }

  private say(event: PhoneEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}

function stopTracks(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
