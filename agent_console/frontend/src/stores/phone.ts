/** The shift's soft-phone, microphone and devices as reactive state. */
import { defineStore } from "pinia";
import { ref, shallowRef, watch } from "vue";
import { JsSipPhone } from "../phone/jssip_phone";
import { type AudioDevices, audioDevices, Microphone, type MicrophoneState } from "../phone/microphone";
import { Ringtone } from "../phone/ringtone";
import type { PhoneCall, PhoneLine } from "../phone/softphone";
import { expose, recordMark } from "../probe";
import type { SipAccount } from "../wire";
import { useLive } from "./live";

type DeviceKind = "microphone" | "speaker" | "ringer";

const remembered = (kind: DeviceKind): string => localStorage.getItem(`hotline.device.${kind}`) ?? "";

export const usePhone = defineStore("phone", () => {
  const line = ref<PhoneLine>("off");
  const call = shallowRef<PhoneCall | null>(null);
  const microphoneState = ref<MicrophoneState>("closed");
  const devices = shallowRef<AudioDevices>({ inputs: [], outputs: [] });
  const chosen = ref<Record<DeviceKind, string>>({
    microphone: remembered("microphone"),
    speaker: remembered("speaker"),
    ringer: remembered("ringer"),
  });

  const microphone = new Microphone((state) => (microphoneState.value = state));
  const phone = new JsSipPhone(() => microphone.stream);
  const ringtone = new Ringtone();

  phone.listen((event) => {
    if (event.type === "line") line.value = event.line;
    else if (event.type === "call") call.value = event.call;
    else recordMark(event.mark);
  });
  watch(
    () => call.value?.state === "ringing",
    (ringing) => (ringing ? ringtone.start() : ringtone.stop()),
  );
  expose(
    () => phone.counters(),
    () => {
      const live = useLive();
      return {
        link: live.status,
        phone: line.value,
        status: live.agent?.status ?? null,
        callId: call.value?.callId ?? live.me?.call ?? null,
      };
    },
  );

  async function refreshDevices(): Promise<void> {
    devices.value = await audioDevices();
  }

  /** Needs a gesture the first time. False when there is no microphone to be had. */
  async function openMicrophone(): Promise<boolean> {
    const stream = await microphone.open(chosen.value.microphone);
    if (stream === null) return false;
    if (call.value !== null && call.value.state !== "ringing") await phone.useMicrophone(stream);
    await refreshDevices();
    await useOutputs();
    return true;
  }

  async function useOutputs(): Promise<void> {
    await phone.useSpeaker(chosen.value.speaker).catch(() => choose("speaker", ""));
    await ringtone.useDevice(chosen.value.ringer).catch(() => choose("ringer", ""));
  }

  async function choose(kind: DeviceKind, id: string): Promise<void> {
    chosen.value = { ...chosen.value, [kind]: id };
    localStorage.setItem(`hotline.device.${kind}`, id);
    if (kind === "microphone") {
      if (microphoneState.value !== "closed") await openMicrophone();
    } else if (id !== "") await useOutputs();
    else await (kind === "speaker" ? phone.useSpeaker("") : ringtone.useDevice("")).catch(() => undefined);
  }

  function register(account: SipAccount): void {
    phone.register(account);
  }

  function signOff(): void {
    phone.endLocally();
    phone.unregister();
    microphone.close();
  }

  function answer(): boolean {
    if (microphone.stream === null) return false;
    phone.answer(microphone.stream);
    return true;
  }

  async function testRing(): Promise<void> {
    ringtone.start();
    await new Promise((done) => setTimeout(done, 1500));
    if (call.value?.state !== "ringing") ringtone.stop();
  }

  function listenForDevices(): void {
    navigator.mediaDevices?.addEventListener("devicechange", () => void refreshDevices());
  }

  return {
    line,
    call,
    microphoneState,
    devices,
    chosen,
    level: () => microphone.level(),
    openMicrophone,
    choose,
    register,
    signOff,
    answer,
    hangUp: () => phone.hangUp(),
    hold: () => phone.hold(),
    resume: () => phone.resume(),
    mute: (on: boolean) => phone.mute(on),
    dtmf: (key: string) => phone.dtmf(key),
    renegotiate: () => phone.renegotiate(),
    endLocally: () => phone.endLocally(),
    testRing,
    listenForDevices,
  };
});
