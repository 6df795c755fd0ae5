/** What each key does at the desk. */
import type { KeyAction } from "../keys";
import { useCallbacks } from "../stores/callbacks";
import { useDesk } from "../stores/desk";
import { useSupervision } from "../stores/supervision";
import { useTicket } from "../stores/ticket";
import { useTransfer } from "../stores/transfer";

/** Asked in this order what "submit" means just now: a hand-over goes before the ticket. False: not now. */
const SUBMITTERS = ["transfer", "callback", "closing"] as const;

const submitters = new Map<(typeof SUBMITTERS)[number], () => boolean>();

/** What is on screen registers itself. */
export function onSubmitKey(who: (typeof SUBMITTERS)[number], act: (() => boolean) | null): void {
  if (act === null) submitters.delete(who);
  else submitters.set(who, act);
}

export function runDeskKey(action: KeyAction): void {
  const desk = useDesk();
  const ticket = useTicket();
  const transfer = useTransfer();
  switch (action) {
    case "answer":
      if (desk.ringing) desk.answer();
      else void useCallbacks().dial();
      break;
    case "hangUp":
      if (desk.inCall) desk.hangUp();
      else void useSupervision().end();
      break;
    case "hold":
      desk.toggleHold();
      break;
    case "mute":
      desk.toggleMute();
      break;
    case "emergency":
      if (desk.inCall) transfer.openEmergency();
      break;
    case "transfer":
      if (desk.inCall) transfer.openPicker();
      break;
    case "submit":
      SUBMITTERS.some((who) => submitters.get(who)?.() === true);
      break;
    case "save":
      void ticket.keeper?.save();
      break;
    case "acceptField":
      if (ticket.focused !== null) void ticket.decide(ticket.focused, "accept");
      break;
    case "acceptAll":
      void ticket.acceptAll();
      break;
    case "help":
      break;
  }
}
