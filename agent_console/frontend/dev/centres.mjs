/**
 * The stand-in's other people: centres, colleagues, missed callers, a whole shift for the supervisor's wall.
 *
 * `stage` is what dev/mock.mjs lends: its call, `set` and `push` to the live stream, and who is signed in.
 */
const HOUR = 3_600_000;
const now = () => Date.now();
const iso = (at) => new Date(at).toISOString();

export function others({ CALL, call, me, set, setAgent, person }) {
  const ch = `call/${CALL}`;
  const CENTRES = [["110", "公安"], ["119", "消防"], ["120", "急救"], ["122", "交通事故"], ["12366", "税务"]];
  const targets = {
    centres: CENTRES.map(([code, name], i) => ({ code, name, key: i + 1, mode: "trunk" })),
    agents: [["8002", "ready"], ["8003", "talking"], ["8004", "paused"], ["8001", "talking"]].map(([agent_id, status]) => ({ agent_id, display_name: `座席${agent_id}`, status })),
    queues: [{ name: "hotline", label: "综合" }, { name: "funds", label: "公积金专席" }],
    numbers: [{ name: "城区环卫中心", number: "03105550100" }, { name: "供水抢修", number: "03105550111" }],
    lines: [{ number: "12329", label: "住房公积金", queue: "funds", centre: null }, { number: "12369", label: "环保举报", queue: "hotline", centre: null }],
    number_rule: "0[0-9]{9,11}|1[3-9][0-9]{9}",
  };

  // ---- transfers and the ledger ---------------------------------------------------------------------------------------

  const handoffs = [];
  let transfers = 0;
  /** What the next transfer meets: reasons of the ways that fail, before one answers. */
  let failing = [];
  let answers = "done";
  let targetsAway = false;
  let timers = [];
  const later = (ms, act) => timers.push(setTimeout(act, ms));
  const stop = () => { timers.forEach(clearTimeout); timers = []; };
  const CITIZEN = () => ({ role: "citizen", label: "138****0000", agent_id: null, state: "talking", since: call.call.answered_at });
  const OPERATOR = () => ({ role: "operator", label: "座席8001", agent_id: "8001", state: "talking", since: call.call.answered_at });
  const other = (transfer, state) => ({ role: transfer.target.kind === "agent" ? "operator" : transfer.target.kind === "number" ? "number" : "centre", label: transfer.target.label, agent_id: transfer.target.kind === "agent" ? transfer.target.value : null, state, since: now() });

  function ledgerChanged() {
    set("emergency", "handoffs", handoffs.filter((each) => each.state !== "ended").map(({ summary, note, script, steps, target_kind, mode, reason: why, settled, responsible, push_error, summary_pushed_at, ...head }) => ({ ...head, started_at: Date.parse(head.started_at), ended_at: null })));
  }

  function step(name, change = {}, route = call.transfer.route, reason = null) {
    const transfer = { ...call.transfer, ...change, route, steps: [...call.transfer.steps, { at: now(), step: name, route, reason }] };
    set(ch, "transfer", transfer);
    const row = handoffs.find((each) => each.id === transfer.handoff_id);
    if (row) Object.assign(row, { state: transfer.state, outcome: transfer.outcome, version: row.version + 1, steps: transfer.steps.map((each) => ({ ...each, at: iso(each.at) })), ended_at: transfer.state === "ended" ? iso(now()) : null });
    ledgerChanged();
  }

  function dial(target, mode) {
    transfers += 1;
    const known = targets.centres.find((each) => each.code === target.value) ?? targets.numbers.find((each) => each.number === target.value);
    const label = target.kind === "agent" ? targets.agents.find((each) => each.agent_id === target.value)?.display_name : (known?.name ?? target.value);
    const id = `00000000-0000-4000-8000-00000000000${transfers}`;
    const number = `YJ20261121-00${6 + transfers}`;
    handoffs.unshift({ id, number, call_id: CALL, centre: target.kind === "centre" ? target.value : "", target: target.value, target_kind: target.kind, mode, agent_id: "8001", state: "dialling", outcome: null, reason: null, settled: null, responsible: "12345", receipt: "", push_state: "pending", push_error: null, summary_pushed_at: null, keep_line: false, started_at: iso(now()), ended_at: null, version: 1, summary: "", note: "", script: {}, steps: [] });
    set(ch, "transfer", { id: `${CALL}-t${transfers}`, target: { ...target, label }, mode, state: "dialling", outcome: null, reason: null, route: 1, routes: 2, started_at: now(), ringing_at: null, joined_at: null, steps: [], handoff_id: id, handoff_number: number });
    step("requested");
    set(ch, "parties", [CITIZEN(), OPERATOR(), other(call.transfer, "ringing")]);
    if (mode === "blind") return later(300, () => leave());
    later(250, () => way(1));
  }

  function way(route) {
    const reason = failing.shift();
    if (reason === undefined) {
      step("ringing", { state: "ringing", ringing_at: now() }, route);
      if (answers !== "never") later(600, answered);
      return;
    }
    const last = route === call.transfer.routes;
    step("route_failed", { reason }, route, reason);
    if (!last) return later(400, () => { set(ch, "transfer", { ...call.transfer, route: route + 1 }); later(300, () => way(route + 1)); });
    step("failed", { state: "ended", outcome: "failed", reason }, route, reason);
    set(ch, "parties", [CITIZEN(), OPERATOR()]);
  }

  function answered() {
    step("answered");
    const alone = call.transfer.mode === "consult";
    step(alone ? "private" : "joined", alone ? { state: "private" } : { state: "joined", joined_at: now() });
    set(ch, "parties", [{ ...CITIZEN(), state: alone ? "music" : "talking" }, OPERATOR(), other(call.transfer, "talking")]);
    const row = handoffs[0];
    later(500, () => { Object.assign(row, { push_state: "pushed", summary_pushed_at: iso(now()), version: row.version + 1 }); ledgerChanged(); });
  }

  function over(name, outcome) {
    stop();
    step(name, { state: "ended", outcome });
    set(ch, "parties", [CITIZEN(), OPERATOR()]);
  }

  function leave() {
    step("handed_over", { state: "handed_over", outcome: "handed_over" });
    set(ch, "parties", [CITIZEN(), other(call.transfer, "talking")]);
    set(ch, "call/agent_left_at", now());
    setAgent({ status: "wrapping_up", call_id: CALL, wrap_up_until: now() + 60000 });
  }

  const told = () => ({ outcome: answers === "unknown" ? "unknown" : "done", transfer: call.transfer });
  const soon = (act) => { if (answers === "unknown") later(2500, act); else act(); return [202, told()]; };
  const steer = {
    private: () => soon(() => { step("private", { state: "private" }); set(ch, "parties", call.parties.map((each) => (each.role === "citizen" ? { ...each, state: "music" } : each))); }),
    together: () => soon(() => { step("joined", { state: "joined", joined_at: call.transfer.joined_at ?? now() }); set(ch, "parties", call.parties.map((each) => ({ ...each, state: "talking" }))); }),
    leave: () => soon(leave),
    cancel: () => soon(() => over("cancelled", "cancelled")),
  };
  const stale = (row, body) => row.version !== body.version;

  // ---- missed callers ---------------------------------------------------------------------------------------------------

  const REASONS = ["abandoned", "cut_off", "asked", "message", "fallback"];
  const callbacks = Array.from({ length: 26 }, (_, i) => ({ id: `cb-${i}`, number: `13${i % 10}****${2000 + i}`, line: "12345", reason: REASONS[i % 5], calls: 1 + (i % 3), first_at: iso(now() - (i + 2) * 900_000), last_at: iso(now() - i * 600_000), due_at: iso(now() + (i - 3) * 900_000), owner: i === 1 ? "8002" : null, leased_until: i === 1 ? iso(now() + 300_000) : null, dialling: i === 1 ? "1.1" : null, attempts: i % 4 === 2 ? [{ at: iso(now() - HOUR), agent_id: "8003", result: "no_answer", call_id: null }] : [], status: "open", outcome: null, closed_at: null, dialable: true, messages: i % 5 === 3 ? [{ call_id: `1795297380.${i}`, at: iso(now() - i * 600_000) }] : [], version: 1 }));
  const head = ({ attempts, dialling, outcome, closed_at, dialable, messages, ...each }) => ({ ...each, first_at: Date.parse(each.first_at), last_at: Date.parse(each.last_at), due_at: Date.parse(each.due_at), leased_until: each.leased_until && Date.parse(each.leased_until), tries: attempts.length });
  function tasksChanged() {
    const open = callbacks.filter((each) => each.status === "open");
    const counts = { open: open.length, overdue: open.filter((each) => Date.parse(each.due_at) < now()).length };
    set("me", "callbacks", counts);
    set("tasks", "callbacks", open.slice(0, 20).map(head));
  }
  function changed(id, change) {
    const item = callbacks.find((each) => each.id === id);
    Object.assign(item, change(item), { version: item.version + 1 });
    tasksChanged();
    return item;
  }

  // ---- the wall -----------------------------------------------------------------------------------------------------------

  const STATES = ["talking", "ready", "talking", "wrapping_up", "paused", "talking", "ready", "paused"];
  const wall = { agents: [], calls: [], queues: {}, kpi: { answered: 1180, arrived: 1204, abandoned: 19, within_15s: 1096, longest_wait_s: 102, lines: {} }, alarms: [], drift: { count: 0, last_at: null, last_kind: "" }, surge: { state: "quiet", by: null, reason: "", since: null, until: null, arrivals: 6, waiting: 3, arrivals_limit: 40, waiting_limit: 10 } };
  function shift(size) {
    wall.agents = Array.from({ length: size }, (_, i) => {
      const status = i === 0 ? "talking" : STATES[i % STATES.length];
      const talking = status === "talking";
      const reasons = status !== "paused" ? [] : i % 16 === 4 ? ["device_lost"] : [["meal", "rest", "training"][i % 3]];
      return { id: String(8001 + i), display_name: `座席${8001 + i}`, seat: String(8001 + i), status, reasons, since: now() - ((i * 37_000) % 1_100_000) - 9000, call_id: talking ? (i === 0 ? CALL : `1795297${i}.1`) : null, next_reason: null, wrap_up_until: null, seat_kind: i % 9 === 2 ? "desk_phone" : "softphone", line: talking ? "12345" : null, call_since: talking ? now() - 60_000 : null };
    });
    wall.calls = wall.agents.filter((each) => each.call_id).map((each) => ({ id: each.call_id, phase: "talking", line: "12345", agent_id: each.id, since: each.since, number: "138****0000", transfer: null, direction: "inbound", centre: "", keep_line: false, supervision: null, priority_reason: null }));
    wall.queues = { hotline: { count: 3, longest_since: now() - 62_000, waiting: [62, 31, 8].map((s, i) => ({ call_id: `9.${i}`, since: now() - s * 1000, number: `13${i}****880${i}`, priority_reason: i === 2 ? "cut_off" : null })) } };
    const busy = wall.calls[2];
    if (busy) busy.transfer = { id: "x-t1", target: { kind: "centre", value: "120", label: "急救" }, mode: "three_way", state: "joined", outcome: null, reason: null, route: 1, routes: 2, started_at: now() - 90_000, ringing_at: now() - 89_000, joined_at: now() - 88_000, steps: [], handoff_id: null, handoff_number: null };
    wall.alarms = [{ id: "device_lost:8005", kind: "device_lost", at: now() - 20_000, text_code: "device_lost", data: { agent_id: "8005" } }, { id: "handoff_failed:1", kind: "handoff_failed", at: now() - 300_000, text_code: "handoff_failed", data: { agent_id: "8007", centre: "122", reason: "no_answer", call_id: CALL } }];
  }
  shift(32);
  function supervised(mode) {
    const supervision = mode === null ? null : { agent_id: me.agent.id, mode };
    set(ch, "supervision", supervision);
    set("wall", "calls", wall.calls.map((each) => (each.id === CALL ? { ...each, supervision } : each)));
    set("me", "call", mode === null ? null : CALL);
    setAgent(mode === null ? { status: "ready", call_id: null } : { status: "talking", call_id: CALL });
    return mode === null ? [204] : [202, { outcome: "done" }];
  }
  const seat = (id, change) => { set("wall", "agents", wall.agents.map((each) => (each.id === id ? { ...each, ...change(each), since: now() } : each))); return [202, { outcome: "done" }]; };

  const cue = (id, targets_, action, seg, start, end, text) => ({ id, call_id: CALL, targets: targets_, action, seg, start, end, text, at: now(), state: "open", reason: null, notices: [] });

  return {
    roots: { wall, emergency: { handoffs: [] }, tasks: { callbacks: callbacks.slice(0, 20).map(head), counts: { open: 26, overdue: 3 } } },
    stop,
    story: {
      "fail-first"() { failing = ["busy"]; },
      "fail-both"() { failing = ["silent", "no_answer"]; },
      "never-answers"() { answers = "never"; },
      "unknown"() { answers = "unknown"; },
      "colleague-comes"() { targets.agents.unshift({ agent_id: "8000", display_name: "座席8000", status: "ready" }); },
      "colleague-leaves"() { targets.agents = targets.agents.filter((each) => each.agent_id !== "8002"); },
      "targets-away"() { targetsAway = true; },
      "targets-back"() { targetsAway = false; },
      "known"() { answers = "done"; },
      "target-leaves"() { over("target_left", "target_left"); },
      "from-centre"() { Object.assign(call.call, { centre: "110", summary: "城区驿后小区3号楼邻里噪声纠纷，已现场劝解，请转社区跟进" }); },
      cue() { set(ch, "cues", [cue("q1", ["120", "110"], "transfer_now", 1, 10, 21, "垃圾池常年臭味难闻")]); },
      cues() { set(ch, "cues", [cue("q1", ["120", "110"], "transfer_now", 1, 10, 21, "垃圾池常年臭味难闻"), cue("q2", ["110"], "keep_line", 3, 0, 4, "不想活了"), cue("q3", ["12366"], "offer", 5, 0, 4, "退税")]); },
      "service-cues"() { set(ch, "cues", [cue("q4", ["12329"], "offer", 1, 10, 21, "公积金提取"), cue("q5", ["12333"], "offer", 3, 0, 4, "社保卡"), cue("q6", ["12369"], "offer", 5, 0, 4, "冒黑烟")]); },
      "soft-alert"() { set(ch, "cues", [cue("q9", [], "soft_alert", 1, 21, 32, "再不管我就去跳楼了")]); },
      "cue-notices"() { set(ch, "cues", [{ ...cue("q8", ["119"], "transfer_now", 1, 10, 21, "煤气味很大"), notices: ["燃气企业", "物业"] }]); },
      supervised() { set(ch, "supervision", { agent_id: "9001", mode: "listen" }); },
      "wall-300"() { shift(300); set("wall", "agents", wall.agents); set("wall", "calls", wall.calls); },
      "forced-pause"() { setAgent({ status: "paused", reasons: ["supervisor"] }); },
    },
    routes: [
      ["GET", /^\/transfer-targets$/, () => (targetsAway ? [500, { error: "internal", detail: "", field: null }] : targets)],
      ["POST", /^\/calls\/[^/]+\/transfers$/, (_, body) => (call.transfer !== null && call.transfer.state !== "ended" ? [409, { error: "not_now", detail: "", field: null }] : (stop(), dial(body.target, body.mode), [202, told()]))],
      ["POST", /^\/calls\/[^/]+\/transfer\/(private|together|leave|cancel)$/, ([, what]) => steer[what]()],
      ["POST", /^\/calls\/[^/]+\/send-back$/, () => (setAgent({ status: "wrapping_up", call_id: CALL, wrap_up_until: now() + 60000 }), set(ch, "call/agent_left_at", now()), [202, { outcome: "done", transfer: null }])],
      ["POST", /^\/calls\/[^/]+\/keep-line$/, (_, body) => (set(ch, "call/keep_line", body.on), [202, { outcome: "done" }])],
      ["POST", /^\/calls\/[^/]+\/recording\/pause$/, (_, body) => (set(ch, "call/recording_paused_until", now() + body.seconds * 1000), later(body.seconds * 1000, () => set(ch, "call/recording_paused_until", null)), [202, { outcome: "done" }])],
      ["POST", /^\/calls\/[^/]+\/recording\/resume$/, () => (set(ch, "call/recording_paused_until", null), [202, { outcome: "done" }])],
      ["POST", /^\/calls\/[^/]+\/cues\/([^/]+)$/, ([, id], body) => { const cues = call.cues.map((each) => (each.id === id ? { ...each, state: body.action === "act" ? "acted" : "dismissed", reason: body.reason || null } : each)); set(ch, "cues", cues); return cues.find((each) => each.id === id); }],
      ["POST", /^\/calls\/[^/]+\/hang-up$/, () => (stop(), set(ch, "call/agent_left_at", now()), setAgent({ status: "wrapping_up", call_id: CALL, wrap_up_until: now() + 60000 }), [202, { outcome: "done" }])],
      ["GET", /^\/handoffs$/, (_, __, query, page) => page(query.get("open") === "true" ? handoffs.filter((each) => each.state !== "ended") : handoffs, query)],
      ["GET", /^\/handoffs\/([^/]+)$/, ([, id]) => handoffs.find((each) => each.id === id) ?? [404, { error: "not_found", detail: "", field: null }]],
      ["PATCH", /^\/handoffs\/([^/]+)$/, ([, id], { version, outcome, ...change }) => { const row = handoffs.find((each) => each.id === id); if (stale(row, { version })) return [409, { error: "version_conflict", detail: "", field: null, current: row }]; return Object.assign(row, change, outcome === undefined ? {} : { settled: outcome, outcome: outcome ?? row.outcome }, { version: row.version + 1 }); }],
      ["POST", /^\/handoffs\/([^/]+)\/push$/, ([, id]) => { const row = handoffs.find((each) => each.id === id); return [202, Object.assign(row, { push_state: "pushed", summary_pushed_at: iso(now()), version: row.version + 1 })]; }],
      ["GET", /^\/callbacks$/, (_, __, query, page) => { const by = (query.get("sort") ?? "due_at").replace("-", ""), down = (query.get("sort") ?? "").startsWith("-") ? -1 : 1; return page(callbacks.filter((each) => each.status === query.get("status") && (!query.has("mine") || each.owner === "8001")).sort((a, b) => (a[by] < b[by] ? -down : down)), query); }],
      ["POST", /^\/callbacks\/([^/]+)\/claim$/, ([, id]) => (callbacks.find((each) => each.id === id).owner === "8002" ? [409, { error: "not_now", detail: "", field: null }] : changed(id, () => ({ owner: "8001", leased_until: iso(now() + 600_000) })))],
      ["POST", /^\/callbacks\/([^/]+)\/release$/, ([, id]) => changed(id, () => ({ owner: null, leased_until: null }))],
      ["POST", /^\/callbacks\/([^/]+)\/dial$/, ([, id]) => {
        const item = changed(id, (each) => ({ dialling: CALL, attempts: [...each.attempts, { at: iso(now()), agent_id: "8001", result: null, call_id: CALL }] }));
        Object.assign(call, { transcript: [], draft: null, transfer: null, parties: [], cues: [] });
        Object.assign(call.call, { direction: "outbound", phase: "talking", answered_at: now(), answered_by: "8001", agent_left_at: null, ended_at: null, caller: { ...call.call.caller, number: item.number } });
        set("me", "call", CALL);
        setAgent({ status: "talking", call_id: CALL });
        return [202, { call_id: CALL, outcome: "done" }];
      }],
      ["POST", /^\/callbacks\/([^/]+)\/outcome$/, ([, id], body) => changed(id, () => ({ status: body.result === "reached" || body.result === "wrong_number" ? "done" : "open", outcome: body.result, owner: null, leased_until: null, dialling: null }))],
      ["POST", /^\/calls\/[^/]+\/supervision$/, (_, body) => supervised(body.mode)],
      ["DELETE", /^\/calls\/[^/]+\/supervision$/, () => supervised(null)],
      ["POST", /^\/calls\/[^/]+\/take-over$/, () => (set(ch, "call/answered_by", me.agent.id), supervised(null), set("me", "call", CALL), setAgent({ status: "talking", call_id: CALL }), [202, { outcome: "done" }])],
      ["POST", /^\/agents\/([^/]+)\/pause$/, ([, id]) => seat(id, (each) => ({ status: each.status === "talking" ? "talking" : "paused", reasons: [...each.reasons, "supervisor"] }))],
      ["POST", /^\/agents\/([^/]+)\/lift-pause$/, ([, id]) => seat(id, (each) => { const reasons = each.reasons.filter((one) => one !== "supervisor"); return { reasons, status: reasons.length === 0 && each.status === "paused" ? "ready" : each.status }; })],
      ["POST", /^\/agents\/([^/]+)\/sign-out$/, ([, id]) => seat(id, () => ({ status: "signed_out", reasons: [], call_id: null }))],
      ["POST", /^\/shift\/device$/, (_, body) => { const reasons = body.works ? me.agent.reasons.filter((each) => each !== "device_lost") : [...me.agent.reasons, "device_lost"]; set("me", "agent/reasons", reasons); if (me.agent.status === "ready" && !body.works) set("me", "agent/status", "paused"); return { outcome: "done", agent: me.agent }; }],
    ],
    supervisor: () => person() === "9001",
  };
}
