/** The operator's microphone: opened at sign-in, kept open for the shift, its level shown, its loss noticed. */

const WISHES: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export type MicrophoneState = "closed" | "open" | "denied" | "missing" | "unplugged";

export interface AudioDevice {
  id: string;
  label: string;
}

export interface AudioDevices {
  inputs: AudioDevice[];
  outputs: AudioDevice[];
}

export class Microphone {
  state: MicrophoneState = "closed";
  stream: MediaStream | null = null;
  private context: AudioContext | null = null;
  private analyser: AnalyserNode | null = null;
  private samples = new Float32Array(256);

  constructor(private readonly changed: (state: MicrophoneState) => void) {}

  async open(deviceId: string): Promise<MediaStream | null> {
    const wishes = deviceId === "" ? WISHES : { ...WISHES, deviceId: { exact: deviceId } };
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: wishes, video: false });
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      if (deviceId !== "" && name === "OverconstrainedError") return this.open("");
      this.set(name === "NotAllowedError" || name === "SecurityError" ? "denied" : "missing");
      return null;
    }
    this.close();
    this.stream = stream;
    for (const track of stream.getAudioTracks()) track.addEventListener("ended", () => this.onTrackEnded(stream));
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.analyser.fftSize = this.samples.length;
    this.context.createMediaStreamSource(stream).connect(this.analyser);
    this.set("open");
    return stream;
  }

  close(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.analyser = null;
    void this.context?.close();
    this.context = null;
    this.set("closed");
  }

  /** 0..1, about how loud the microphone hears just now. */
  level(): number {
    if (this.analyser === null) return 0;
    this.analyser.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    const loudness = Math.sqrt(sum / this.samples.length);
    return loudness <= 0 ? 0 : Math.max(0, Math.min(1, 1 + Math.log10(loudness) / 2.5));
  }

  private onTrackEnded(stream: MediaStream): void {
    if (this.stream === stream) this.set("unplugged");
  }

  private set(state: MicrophoneState): void {
    if (this.state === state) return;
    this.state = state;
    this.changed(state);
  }
}

export async function audioDevices(): Promise<AudioDevices> {
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind: MediaDeviceKind): AudioDevice[] =>
    all.filter((each) => each.kind === kind).map((each) => ({ id: each.deviceId, label: each.label }));
  return { inputs: of("audioinput"), outputs: of("audiooutput") };
}
