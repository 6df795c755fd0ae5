/** One "now" for the whole page, by the server's clock: timers are drawn from timestamps, never counted. */
import { ref } from "vue";

const DRAW_EVERY_MS = 500;

let offsetMs = 0;

export const serverNow = (): number => Date.now() + offsetMs;

/** Redrawn twice a second; read it in a template or a computed to make a timer. */
export const now = ref(serverNow());

export function setClockOffset(ms: number): void {
  offsetMs = ms;
}

export function startClock(): void {
  setInterval(() => (now.value = serverNow()), DRAW_EVERY_MS);
  document.addEventListener("visibilitychange", () => (now.value = serverNow()));
}

const two = (value: number): string => String(value).padStart(2, "0");

/** 00:18 or 1:02:03; never negative, so that a clock correction does not show as "-1". */
export function duration(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(total / 3600);
  const rest = `${two(Math.floor((total % 3600) / 60))}:${two(total % 60)}`;
  return hours === 0 ? rest : `${hours}:${rest}`;
}

const ZONE = "Asia/Shanghai";
const YEAR = new Intl.DateTimeFormat("en", { timeZone: ZONE, year: "numeric" });
const DATE_TIME = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE,
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
});
const TIME = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE,
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});

/** 11-21 14:03, with the year in front where it is not this one. */
export function dateTime(at: string | number): string {
  const year = YEAR.format(new Date(at));
  const text = DATE_TIME.format(new Date(at)).replace("/", "-");
  return year === YEAR.format(serverNow()) ? text : `${year}-${text}`;
}

export const timeOfDay = (at: string | number): string => TIME.format(new Date(at));
