/** What the console asks of a soft-phone, whichever library is behind it. */
import type { SipAccount } from "../wire";

export type PhoneLine = "off" | "connecting" | "registered" | "lost" | "refused";

export type PhoneCallState = "ringing" | "answering" | "talking" | "held" | "ended";

/** What getStats counted, for tests and for the fault line. Absent before media flows. */
export interface MediaCounters {
  packetsReceived: number;
  packetsSent: number;
  packetsLost: number;
  jitterS: number;
  bytesReceived: number;
  bytesSent: number;
  totalAudioEnergy: number;
  codec: string;
  dtls: string;
}

/** Why the switch rang this phone: a citizen's call, one that the operator asked for, or somebody else's to listen to. */
export type PhoneCallPurpose = "call" | "outbound" | "supervision";

export interface PhoneCall {
  purpose: PhoneCallPurpose;
  /** Our call id, from the INVITE's X-Hotline-Call-Id. Null when the switch did not say it. */
  callId: string | null;
  number: string;
  state: PhoneCallState;
  muted: boolean;
  since: number;
  /** Since when the peer connection has been down, epoch ms; null while it is well. */
  mediaDownSince: number | null;
}

export type PhoneEvent =
  | { type: "line"; line: PhoneLine }
  | { type: "call"; call: PhoneCall | null }
  | { type: "mark"; mark: PhoneMark };

/** Moments that a test or a measurement may want, epoch ms. */
export interface PhoneMark {
  name: "registered" | "lost" | "ring" | "answer" | "confirmed" | "connected" | "media" | "ended";
  at: number;
  callId: string | null;
}

export interface Softphone {
  readonly line: PhoneLine;
  readonly call: PhoneCall | null;
  listen(listener: (event: PhoneEvent) => void): void;
  register(account: SipAccount): void;
  unregister(): void;
  /** Talk with this microphone; the phone takes a copy, so that muting does not touch the original. */
  answer(microphone: MediaStream): void;
  hangUp(): void;
  hold(): void;
  resume(): void;
  mute(on: boolean): void;
  dtmf(key: string): void;
  /** Offer again, to mend media or to tell the switch our new address. */
  renegotiate(): void;
  /** The server says that this call is over: end it here without asking anybody. */
  endLocally(): void;
  /** Replace the microphone during a call. */
  useMicrophone(microphone: MediaStream): Promise<void>;
  /** Send the caller's voice to this output device. */
  useSpeaker(deviceId: string): Promise<void>;
  counters(): Promise<MediaCounters | null>;
}
