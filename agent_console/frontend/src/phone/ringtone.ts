/** A ring made of two sines, so that no sound file is needed; it may go to another device than the headset. */

const LOW_HZ = 440;
const HIGH_HZ = 480;
const ON_S = 1;
const PERIOD_S = 3;
const LOUDNESS = 0.25;

export class Ringtone {
  private readonly element = document.createElement("audio");
  private context: AudioContext | null = null;

  async useDevice(deviceId: string): Promise<void> {
    await this.element.setSinkId(deviceId);
  }

  start(): void {
    if (this.context !== null) return;
    const context = new AudioContext();
    this.context = context;
    const out = context.createMediaStreamDestination();
    const gain = context.createGain();
    gain.gain.value = 0;
    for (let period = 0; period < 40; period += 1) {
      const at = context.currentTime + period * PERIOD_S;
      gain.gain.setTargetAtTime(LOUDNESS, at, 0.02);
      gain.gain.setTargetAtTime(0, at + ON_S, 0.05);
    }
    for (const hertz of [LOW_HZ, HIGH_HZ]) {
      const tone = context.createOscillator();
      tone.frequency.value = hertz;
      tone.connect(gain);
      tone.start();
    }
    gain.connect(out);
    this.element.srcObject = out.stream;
    void context.resume();
    void this.element.play().catch(() => undefined); // no gesture yet: the dialog and the title still tell
  }

  stop(): void {
    this.element.pause();
    this.element.srcObject = null;
    void this.context?.close();
    this.context = null;
  }
}
