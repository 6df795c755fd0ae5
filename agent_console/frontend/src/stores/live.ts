/** The live stream's channels as reactive state, and how well the stream itself is. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { setClockOffset } from "../clock";
import { api } from "../http/api";
import { HttpError } from "../http/client";
import type { LinkStatus } from "../link/machine";
import { Link } from "../link/socket";
import { observeTurns } from "../probe";
import type { CallData, EmergencyData, MeData, QueueData, TasksData, WallData } from "../wire";

const REFUSED_AGAIN_MS = 2000;

function liveUrl(): string {
  const url = new URL("api/v1/live", document.baseURI);
  url.hash = "";
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** Null when the session is over; rejects when the server cannot be asked. */
async function ticket(): Promise<string | null> {
  try {
    return (await api.liveTicket()).ticket;
  } catch (error) {
    if (error instanceof HttpError && error.status === 401) return null;
    throw error;
  }
}

export const useLive = defineStore("live", () => {
  const status = ref<LinkStatus>("idle");
  const attempt = ref(0);
  const me = shallowRef<MeData | null>(null);
  const queue = shallowRef<QueueData | null>(null);
  const call = shallowRef<CallData | null>(null);
  const callId = ref<string | null>(null);
  const wall = shallowRef<WallData | null>(null);
  /** A call of somebody else's that a supervisor looks at. */
  const watched = shallowRef<CallData | null>(null);
  const watchedId = ref<string | null>(null);
  /** Open matters at centres: one's own, or all for a supervisor. */
  const emergency = shallowRef<EmergencyData | null>(null);
  const tasks = shallowRef<TasksData | null>(null);
  let wallWanted = false;
  /** The server serves a newer page than this one. */
  const outdated = ref(false);
  let link: Link | null = null;
  let again: ReturnType<typeof setTimeout> | null = null;

  const data = <T>(ch: string): T | null => (link?.machine.channels.get(ch)?.data as T | undefined) ?? null;

  function onChanged(changed: ReadonlySet<string>): void {
    if (link === null) return;
    status.value = link.machine.status;
    attempt.value = link.machine.attempt;
    const theirs = link.machine.serverBuild ?? "";
    outdated.value = __BUILD__ !== "dev" && theirs !== "" && theirs !== __BUILD__;
    setClockOffset(link.machine.offsetMs);
    if (changed.has("me")) me.value = data<MeData>("me");
    if (changed.has("queue")) queue.value = data<QueueData>("queue");
    if (changed.has("emergency")) emergency.value = data<EmergencyData>("emergency");
    if (changed.has("tasks")) tasks.value = data<TasksData>("tasks");
    if (changed.has("wall")) wall.value = data<WallData>("wall");
    if (watchedId.value !== null && changed.has(`call/${watchedId.value}`)) watched.value = data<CallData>(`call/${watchedId.value}`);
    if (callId.value !== null && changed.has(`call/${callId.value}`)) {
      call.value = data<CallData>(`call/${callId.value}`);
      if (call.value !== null) observeTurns(callId.value, call.value.transcript);
      askAgainLater();
    }
  }

  /** The server may not know yet that we are party to a call whose INVITE is already here. */
  function askAgainLater(): void {
    const ch = `call/${callId.value}`;
    if (again !== null || (link?.machine.channels.get(ch)?.refused ?? null) === null) return;
    again = setTimeout(() => {
      again = null;
      if (callId.value !== null) link?.subscribe(`call/${callId.value}`);
    }, REFUSED_AGAIN_MS);
  }

  function start(): void {
    if (link !== null) return;
    link = new Link({ url: liveUrl(), build: __BUILD__, ticket, changed: onChanged });
    link.subscribe("me");
    link.subscribe("queue");
    link.subscribe("emergency");
    link.subscribe("tasks");
    if (wallWanted) link.subscribe("wall");
    link.start();
  }

  function stop(): void {
    link?.stop();
    link = null;
    status.value = "idle";
    me.value = null;
    queue.value = null;
    wall.value = null;
    emergency.value = null;
    tasks.value = null;
    watchCall(null);
    look(null);
  }

  function showWall(on: boolean): void {
    wallWanted = on;
    if (on) link?.subscribe("wall");
    else {
      link?.unsubscribe("wall");
      wall.value = null;
    }
  }

  /** Look at this call beside one's own. */
  function look(id: string | null): void {
    if (id === watchedId.value) return;
    const old = watchedId.value;
    watchedId.value = id;
    watched.value = null;
    if (old !== null && old !== callId.value) link?.unsubscribe(`call/${old}`);
    if (id === null) return;
    if (id === callId.value) watched.value = call.value;
    else link?.subscribe(`call/${id}`);
  }

  /** How long ago the server last said anything at all, heartbeats included. */
  const silenceMs = (): number | null => (link === null || link.machine.lastFrameAt === 0 ? null : Date.now() - link.machine.lastFrameAt);

  /** Follow this call, and no other. */
  function watchCall(id: string | null): void {
    if (id === callId.value) return;
    if (callId.value !== null && callId.value !== watchedId.value) link?.unsubscribe(`call/${callId.value}`);
    callId.value = id;
    if (id !== null) link?.subscribe(`call/${id}`);
    call.value = id === null ? null : data<CallData>(`call/${id}`); // a call that is looked at is here already
  }

  const agent = computed(() => me.value?.agent ?? null);
  const isLive = computed(() => status.value === "live");

  return {
    status,
    attempt,
    me,
    queue,
    call,
    callId,
    wall,
    emergency,
    tasks,
    watched,
    watchedId,
    agent,
    isLive,
    outdated,
    start,
    stop,
    watchCall,
    showWall,
    look,
    silenceMs,
    takeOver: () => link?.takeOver(),
  };
});
