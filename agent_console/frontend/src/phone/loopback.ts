/** Only for tests on one machine: keep ICE on 127.0.0.1 by dropping every other candidate from what we send. */

const FLAG = "hotline.loopback";

export function loopbackOnly(): boolean {
  return localStorage.getItem(FLAG) === "1";
}

export function onlyLoopback(sdp: string): string {
  return sdp
    .split("\r\n")
    .filter((line) => !line.startsWith("a=candidate") || line.includes(" 127.0.0.1 "))
    .join("\r\n");
}
