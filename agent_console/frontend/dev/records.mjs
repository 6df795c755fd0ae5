/** The stand-in's records: a call's story, the shift log, calls about tickets, seats, surges and the day's figures. */

export function records({ CALL, call, me, calls, set, setAgent, root }) {
  const now = () => Date.now();
  const iso = (at) => new Date(at).toISOString();
  const QUARTER = 900_000;

  // ---- one call, told in order ----------------------------------------------------------------------------------------

  function events(row) {
    const start = Date.parse(row.arrived_at);
    const at = (seconds, kind, data) => ({ at: iso(start + seconds * 1000), kind, data });
    if (row.outcome === "abandoned") return [at(0, "CallArrived", { line: "12345", centre: "" }), at(1, "CallQueued", { queue: "hotline", position: 4 }), at(41, "CallLeftQueue", { queue: "hotline" }), at(41, "CallEnded", { outcome: "abandoned", ended_by: "caller" })];
    return [
      row.direction === "outbound" ? at(0, "CallPlaced", { agent_id: "8001", line: "12345" }) : at(0, "CallArrived", { line: "12345", centre: "" }),
      at(1, "CallQueued", { queue: "hotline", position: 2 }),
      at(4, "CallOffered", { agent_id: "8002" }),
      at(19, "OfferEnded", { agent_id: "8002", outcome: "no_answer", ring_s: 15 }),
      at(20, "CallOffered", { agent_id: "8001" }),
      at(24, "CallAnswered", { agent_id: "8001", wait_s: 23 }),
      at(70, "CallHeld", { by: "1.4" }),
      at(95, "CallResumed", { by: "1.4" }),
      at(100, "TransferStepped", { step: "requested", target: { kind: "centre", value: "110" }, route: 1, reason: null }),
      at(103, "TransferStepped", { step: "route_failed", target: { kind: "centre", value: "110" }, route: 1, reason: "busy" }),
      at(105, "TransferStepped", { step: "joined", target: { kind: "centre", value: "110" }, route: 2, reason: null }),
      at(140, "TransferStepped", { step: "handed_over", target: { kind: "centre", value: "110" }, route: 2, reason: null }),
      at(141, "AgentLegEnded", { agent_id: "8001", talk_s: 117 }),
      at(200, "CallEnded", { outcome: "answered", ended_by: "caller" }),
    ];
  }

  // ---- the shift log ----------------------------------------------------------------------------------------------------

  const STATES = [["ready", []], ["ringing", []], ["talking", []], ["wrapping_up", []], ["ready", []], ["paused", ["meal"]], ["paused", ["device_lost", "busy"]]];
  const log = ["8001", "8002", "8003"].flatMap((agent_id, person) =>
    Array.from({ length: 40 }, (_, i) => {
      const at = now() - (i * 7 + person) * 61_000;
      const [status, reasons] = STATES[(39 - i) % STATES.length];
      const first = i === 39;
      return { at: iso(at), until: i === 0 ? null : iso(at + 7 * 61_000), agent_id, kind: first ? "signed_in" : "status", seat: first ? agent_id : null, status: first ? null : status, reasons: first ? [] : reasons, call_id: !first && (status === "talking" || status === "ringing") ? "179520.1" : null };
    }),
  );

  // ---- calls about tickets ------------------------------------------------------------------------------------------------

  const attempts = [{ call_id: "1795200.9000001", at: iso(now() - 7_200_000), agent_id: "8003", outcome: "no_answer", talk_s: null }];

  function place() {
    attempts.unshift({ call_id: CALL, at: iso(now()), agent_id: "8001", outcome: null, talk_s: null });
    Object.assign(call, { transcript: [], draft: null, transfer: null, parties: [], cues: [] });
    Object.assign(call.call, { direction: "outbound", phase: "talking", answered_at: now(), answered_by: "8001", agent_left_at: null, ended_at: null, priority_reason: null, caller: { ...call.call.caller, number: "138****0000" } });
    set("me", "call", CALL);
    setAgent({ status: "talking", call_id: CALL });
    return [202, { call_id: CALL, outcome: "done" }];
  }

  // ---- who serves which queue ---------------------------------------------------------------------------------------------

  const held = {};
  let skills = [{ queue: "funds", level: 2 }];

  // ---- surges, numbers that stand in front, the day -------------------------------------------------------------------------

  const surge = (change) => {
    set("wall", "surge", { ...root("wall").surge, ...change });
    return root("wall").surge;
  };
  const numbers = Array.from({ length: 12 }, (_, i) => ({ id: `n-${i + 1}`, number: `13${i % 10}****${3000 + i}`, note: ["独居老人", "听障市民", "重点企业联系人"][i % 3], added_by: "9001", added_at: iso(now() - i * 8.64e7), expires_on: i % 2 ? "2027-01-01" : null }));

  function day() {
    const begins = Math.floor((now() + 8 * 3_600_000) / 8.64e7) * 8.64e7 - 8 * 3_600_000;
    const many = Math.max(1, Math.ceil((now() - begins) / QUARTER));
    const quarters = Array.from({ length: many }, (_, i) => {
      const busy = Math.round(6 + 14 * Math.sin((i / 96) * Math.PI) ** 2 + (i % 5) * 2);
      const abandoned = i % 6 === 5 ? 2 : 0;
      return { at: iso(begins + i * QUARTER), arrived: busy, answered: busy - abandoned - (i === many - 1 ? 2 : 0), abandoned, waiting: (i * 7) % 5 };
    });
    return { day: new Date(begins + 8 * 3_600_000).toISOString().slice(0, 10), quarters };
  }

  return {
    story: {
      "from-front"() { set(`call/${CALL}`, "call/priority_reason", "repeat"); },
      "surge-proposed"() { surge({ state: "proposed", arrivals: 43, waiting: 12 }); },
      "soft-recorder"() { set("me", "alerts", [{ id: "r", kind: "recording_incomplete", at: now(), text_code: "recording_incomplete", data: { call_id: CALL } }]); },
      "half-text"() { set(`call/${CALL}`, "speech", { state: "degraded", reason: "text is late", engine: "vosk", complete: 0.7 }); },
      "phone-rings"() { setAgent({ status: "ringing", call_id: CALL }); },
    },
    routes: [
      ["GET", /^\/calls\/([0-9.]+)$/, ([, id]) => { const row = calls.find((each) => each.id === id); return row === undefined ? [404, { error: "not_found", detail: "", field: null }] : { ...row, events: events(row) }; }],
      ["GET", /^\/shifts\/log$/, (_, __, query, page) => {
        const mine = log.filter((each) => (!query.has("agent_id") || each.agent_id === query.get("agent_id")) && (query.has("agent_id") || me.agent.id === "9001" || each.agent_id === "8001"));
        const down = query.get("sort") !== "at";
        return page(query.get("day") === "2000-01-01" ? [] : mine.toSorted((a, b) => (down ? -1 : 1) * (a.at < b.at ? -1 : 1)), query);
      }],
      ["GET", /^\/outbound\/tickets\/([^/]+)$/, () => ({ number: "138****0000", line: "12345", attempts })],
      ["POST", /^\/outbound$/, () => place()],
      ["GET", /^\/shift\/seats$/, () => [200, [{ seat: "8001", kind: "softphone", own: true, taken_by: null }, { seat: "8101", kind: "desk_phone", own: false, taken_by: null }, { seat: "8102", kind: "desk_phone", own: false, taken_by: "8002" }]]],
      ["GET", /^\/stats\/calls-by-quarter$/, () => day()],
      ["GET", /^\/cues\/fates$/, () => [200, [{ concern: "fire", shown: 6, acted: 3, dismissed: 2, reasons: { past: 1, misheard: 1 }, cleared: 0, ignored: 1, afterwards: 1 }]]],
      ["GET", /^\/recordings$/, (_, __, query, page) => page(Object.entries(held).filter(([call_id]) => call_id === query.get("call_id")).map(([call_id, hold]) => ({ call_id, hold })), query)],
      ["POST", /^\/recordings\/([^/]+)\/hold$/, ([, call_id], body) => { if (held[call_id]) return [409, { error: "version_conflict", detail: "", field: null, current: { call_id, hold: held[call_id] } }]; held[call_id] = { reason: body.reason, set_at: iso(now()) }; return { call_id, hold: held[call_id] }; }],
      ["POST", /^\/recordings\/([^/]+)\/hold\/lift$/, ([, call_id]) => { delete held[call_id]; return { call_id, hold: null }; }],
      ["GET", /^\/agents\/([^/]+)\/skills$/, ([, agent_id]) => ({ agent_id, skills })],
      ["PUT", /^\/agents\/([^/]+)\/skills$/, ([, agent_id], body) => ({ agent_id, skills: (skills = body.skills), outcome: "done" })],
      ["GET", /^\/surge$/, () => root("wall").surge],
      ["POST", /^\/surge$/, (_, body) => (body.on ? surge({ state: "announced", by: "person", reason: body.reason, since: now(), until: now() + (body.minutes ?? 30) * 60_000 }) : surge({ state: "quiet", by: null, reason: "", since: null, until: null }))],
      ["GET", /^\/priority-numbers$/, (_, __, query, page) => page(numbers, query)],
      ["POST", /^\/priority-numbers$/, (_, body) => { const row = { id: `n-${100 + numbers.length}`, number: `${body.number.slice(0, 3)}****${body.number.slice(-4)}`, note: body.note, added_by: me.agent.id, added_at: iso(now()), expires_on: body.expires_on }; numbers.unshift(row); return [201, row]; }],
      ["DELETE", /^\/priority-numbers\/([^/]+)$/, ([, id]) => { numbers.splice(numbers.findIndex((each) => each.id === id), 1); return [204]; }],
    ],
  };
}
