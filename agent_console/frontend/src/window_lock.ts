/** One window per seat in this browser: the Web Lock is held by the window that works. */

const LOCK = "hotline.seat";
const CHANNEL = "hotline.seat";
const ANSWER_MS = 300;

export interface WindowLock {
  /** True when this window now works. */
  take: () => Promise<boolean>;
  /** Take it from the other window; false when that one is in a call. */
  takeOver: () => Promise<boolean>;
}

export function windowLock(busy: () => boolean, lost: () => void): WindowLock {
  const channel = new BroadcastChannel(CHANNEL);
  let holding = false;
  channel.onmessage = (event: MessageEvent<unknown>) => {
    if (event.data === "busy?" && holding && busy()) channel.postMessage("busy");
  };

  function request(options: LockOptions): Promise<boolean> {
    if (navigator.locks === undefined) return Promise.resolve(true);
    return new Promise((done) => {
      navigator.locks
        .request(LOCK, options, (lock) => {
          done(lock !== null);
          if (lock === null) return undefined;
          holding = true;
          return new Promise<void>(() => undefined); // held until the window closes or another one steals it
        })
        .catch(() => {
          holding = false;
          lost();
        });
    });
  }

  function otherIsBusy(): Promise<boolean> {
    return new Promise((done) => {
      const asking = new BroadcastChannel(CHANNEL);
      const timer = setTimeout(() => finish(false), ANSWER_MS);
      function finish(answer: boolean): void {
        clearTimeout(timer);
        asking.close();
        done(answer);
      }
      asking.onmessage = (event: MessageEvent<unknown>) => event.data === "busy" && finish(true);
      asking.postMessage("busy?");
    });
  }

  return {
    take: () => request({ ifAvailable: true }),
    takeOver: async () => !(await otherIsBusy()) && (await request({ steal: true })),
  };
}
