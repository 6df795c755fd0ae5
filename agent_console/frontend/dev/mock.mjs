/**
 * A stand-in for the server, to look at the console without a switch: one scripted call over and over.
 *
 *   node dev/mock.mjs [port]        serves ../static (or HOTLINE_STATIC) and the API; any name and password sign in
 *   the name 9001 is a supervisor's, every other an operator's; dev/centres.mjs plays everybody else
 *   POST /mock/ring | /mock/answer | /mock/end | /mock/speech-down ...   push the story on by hand
 */
import { readFileSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { WebSocketServer } from "ws";
import { others } from "./centres.mjs";
import { records } from "./records.mjs";

const PORT = Number(process.argv[2] ?? 12345);
const STATIC = process.env.HOTLINE_STATIC ?? join(import.meta.dirname, "../../static");
const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

const CALL = "1795297638.32";
const now = () => Date.now();
const field = (value = null, origin = "empty", suggestion = null) => ({ value, origin, suggestion });
const suggestion = (value, confidence, seg, start, end, status = "filled", label = value) => ({ value, label, confidence, evidence: seg === null ? [] : [{ seg, start, end }], status, options: [] });
const decide = (...options) => options.map(([value, label, confidence]) => ({ value, label, confidence }));

const me = {
  agent: { id: "8001", display_name: "座席8001", seat: "8001", status: "signed_out", reasons: [], since: now(), call_id: null, next_reason: null, wrap_up_until: null, seat_kind: "softphone" },
  call: null,
  links: { switch: { state: "live", reason: "" }, speech: { state: "ok", reason: "", engine: "vosk-model-small-cn-0.22" }, database: { state: "ok", reason: "" } },
  today: { answered: 46, handle_s: 221 },
  alerts: [],
  callbacks: { open: 26, overdue: 3 },
};
const queue = { queues: { hotline: { count: 2, longest_since: now() - 18000 } }, agents: { ready: 6, talking: 21, wrapping_up: 3, paused: 2, signed_in: 32 } };
const draft = {
  id: "d-1", call_id: CALL, version: 3, updated_at: new Date().toISOString(), status: "open",
  fields: {
    title: field("小区垃圾池异味扰民", "suggested", suggestion("小区垃圾池异味扰民", 0.87, 1, 2, 19)),
    appeal_type: field("投诉", "suggested", suggestion("投诉", 0.91, 1, 14, 19)),
    category_code: field("0102", "suggested", suggestion("0102", 0.82, 1, 9, 12, "filled", "环境卫生/垃圾收运")),
    address: field("城区驿后小区3号楼东", "typed", suggestion("城区驿后小区4号楼东", 0.79, 3, 0, 8, "offered")),
    district: field("城区", "accepted", suggestion("城区", 0.9, 3, 0, 2, "accepted")),
    town: field(),
    description: field("来电人反映小区四号楼东面的垃圾池常年臭味难闻，夏天蚊虫多，希望尽快清运并加盖。", "suggested", suggestion("来电人反映小区四号楼东面的垃圾池常年臭味难闻，夏天蚊虫多，希望尽快清运并加盖。", 0.8, 5, 0, 17)),
    demand: field(null, "empty", suggestion("尽快清运并加盖", 0.61, 5, 7, 16, "offered")),
    caller_name: field(null, "empty", suggestion("王先生", 0.58, 5, 0, 3, "offered")),
    caller_gender: field(),
    contact_phone: field("138****0000", "suggested", suggestion("138****0000", 0.95, null, 0, 0)),
    occur_time: field(), subject: field(), urgency: field("一般", "suggested", suggestion("一般", 0.76, null, 0, 0)),
    department: field("城区环卫中心", "suggested", suggestion("城区环卫中心", 0.78, 1, 9, 12)), confidential: field(false), anonymous: field(false),
    contact_note: field(), reply_required: field(true, "suggested", suggestion(true, 0.84, 7, 0, 5, "filled", "true")),
    amount_yuan: field(), people_count: field(), is_repeat: field(true, "suggested", suggestion(true, 0.82, 1, 30, 38, "filled", "true")),
    repeat_count: field(null, "empty", suggestion("3", 0.7, 1, 30, 38, "offered")), previous_ticket_no: field(),
    summary: field(null, "empty", suggestion("来电人反映小区4号楼东面垃圾池异味。诉求：尽快清运并加盖。已告知派给环卫部门办理。", 0.74, 1, 2, 19, "offered")),
  },
  missing: [],
};
draft.fields.category_code.suggestion.options = decide(["0102", "环境卫生/垃圾收运", 0.82], ["0101", "环境卫生/道路清扫", 0.11], ["0201", "市政设施/路灯照明", 0.04]);
draft.fields.department.suggestion.options = decide(["城区环卫中心", "城区环卫中心", 0.78], ["城市管理局", "城市管理局", 0.15], ["住房和城乡建设局", "住房和城乡建设局", 0.07]);
const call = {
  call: { id: CALL, phase: "offered", caller: { number: "138****0000", name: "", repeat_7d: 3, open_tickets: 1 }, line: "12345", queue: "hotline", arrived_at: now(), queued_at: now(), offered_at: now(), ring_s: 15, answered_at: null, held_since: null, agent_left_at: null, ended_at: null, ended_by: null, outcome: null, answered_by: null, direction: "inbound", centre: "", summary: "", machine: false, keep_line: false, recording_paused_until: null, priority_reason: null },
  speech: { state: "ok", reason: "", engine: "vosk-model-small-cn-0.22" }, transcript: [], draft: null, transfer: null, parties: [], supervision: null, cues: [],
};
const LINES = [
  ["agent", "您好，这里是一二三四五热线，请问有什么可以帮您？"],
  ["caller", "我们小区四号楼东面的垃圾池常年臭味难闻，夏天蚊子苍蝇特别多，跟物业说了好几回也没人管。"],
  ["agent", "请问您在哪个小区？"],
  ["caller", "城区驿后小区三号楼，就在菜市场后面。"],
  ["agent", "好的，您希望怎么处理？"],
  ["caller", "赶紧清运一下，最好能加个盖子，老人孩子天天从那儿过。"],
  ["agent", "已经给您记下了，稍后会派给环卫部门办理。"],
  ["caller", "那大概几天能有"],
];
function rules() {
  const told = ["direct_answer", "dispatch"], sent = ["dispatch"];
  const rule = (name, kind, longest, required_for = [], unless = null) => ({ name, kind, longest, required_for, unless });
  return [
    rule("title", "line", 80, told), rule("appeal_type", "choice", 0, told), rule("category_code", "code", 8, sent),
    rule("address", "line", 200, sent, { field: "appeal_type", value: "咨询" }), rule("district", "line", 40), rule("town", "line", 40),
    rule("description", "text", 4000, told), rule("demand", "text", 1000), rule("caller_name", "line", 40), rule("caller_gender", "choice", 0),
    rule("contact_phone", "phone", 20, sent, { field: "anonymous", value: true }), rule("occur_time", "line", 60), rule("subject", "line", 120),
    rule("urgency", "choice", 0), rule("department", "line", 60), rule("confidential", "flag", 0), rule("anonymous", "flag", 0),
    rule("contact_note", "line", 120), rule("reply_required", "flag", 0), rule("amount_yuan", "number", 9), rule("people_count", "number", 6),
    rule("is_repeat", "flag", 0), rule("repeat_count", "number", 4), rule("previous_ticket_no", "line", 24), rule("summary", "text", 2000),
  ];
}
const history = ["路灯不亮多日未修", "垃圾池异味（不满意）", "楼道堆放杂物", "停水咨询", "夜间施工噪音", "公交站台破损", "井盖松动", "占道经营"].map((title, i) => ({ id: `t-${i}`, ticket_no: `GD20261121${String(i + 1).padStart(4, "0")}`, title, appeal_type: i % 3 ? "投诉" : "咨询", category: "环境卫生/垃圾收运", status: i % 2 ? "answered" : "to_dispatch", open: i % 2 === 0, call_id: CALL, created_at: new Date(now() - i * 9e7).toISOString(), district: "城区", urgency: "一般", contact_phone: "138****0000", confidential: false }));
const calls = Array.from({ length: 43 }, (_, i) => ({ id: `17952${i}.1`, caller_number: `13${i % 10}****${String(1000 + i)}`, line: "12345", queue: "hotline", outcome: i % 4 ? "answered" : "abandoned", ended_by: "caller", answered_by: i % 4 ? "8001" : null, arrived_at: new Date(now() - i * 4e6).toISOString(), queued_at: null, answered_at: null, ended_at: new Date(now() - i * 4e6 + 2e5).toISOString(), wait_s: 5 + (i * 7) % 60, talk_s: i % 4 ? 60 + i * 11 : null, ticket_id: i % 4 && i % 5 ? `t-${i % 8}` : null, direction: i % 7 === 3 ? "outbound" : "inbound", no_ticket: i % 4 > 0 && i % 5 === 0 }));
const reference = { urgencies: ["一般", "紧急", "特急"], genders: ["男", "女", "未知"], appeal_types: ["咨询", "求助", "投诉", "举报", "建议", "表扬", "其他"], categories: [{ code: "0101", level1: "环境卫生", level2: "道路清扫" }, { code: "0102", level1: "环境卫生", level2: "垃圾收运" }, { code: "0201", level1: "市政设施", level2: "路灯照明" }], departments: ["城区环卫中心", "住房和城乡建设局", "城市管理局"], pause_reasons: [], dispositions: [], fields: rules() };

// ---- the live stream ------------------------------------------------------------------------------------------------

const sockets = new Set();
let epoch = "e1";
const seqs = {};
const root = (ch) => (ch === "me" ? me : ch === "queue" ? queue : (cast.roots[ch] ?? call));
const snap = (ch) => JSON.stringify({ t: "snap", ch, epoch, seq: (seqs[ch] ??= 1), data: root(ch) });
function push(ch, ...ops) {
  seqs[ch] = (seqs[ch] ?? 1) + 1;
  for (const each of sockets) if (each.subs.has(ch)) each.socket.send(JSON.stringify({ t: "p", ch, seq: seqs[ch], ts: now(), ops }));
}
function set(ch, path, value) {
  const keys = path.split("/");
  let at = root(ch);
  for (const key of keys.slice(0, -1)) at = at[key];
  at[keys.at(-1)] = value;
  push(ch, ["set", path, value]);
}
const setAgent = (part) => set("me", "agent", { ...me.agent, since: now(), reasons: [], next_reason: null, wrap_up_until: null, ...part });
function say(seg, who, text, final, t0, t1, rev) {
  const turn = { seg, rev, who, text, t0, t1, final };
  const at = call.transcript.findIndex((each) => each.seg === seg);
  if (at < 0) call.transcript.push(turn);
  else call.transcript[at] = turn;
  push(`call/${CALL}`, ["app", "transcript", turn]);
}

const told = records({ CALL, call, me, calls, set, setAgent, root: (ch) => cast.roots[ch] });
const cast = others({ CALL, call, me, set, setAgent, person: () => person });
const story = {
  ...cast.story,
  ...told.story,
  ring() {
    cast.stop();
    Object.assign(call.call, { phase: "offered", queued_at: now() - 18000, offered_at: now(), answered_at: null, agent_left_at: null, ended_at: null });
    Object.assign(call, { transcript: [], draft: null, transfer: null, parties: [], supervision: null, cues: [] });
    Object.assign(call.call, { direction: "inbound", keep_line: false, recording_paused_until: null, priority_reason: null });
    Object.assign(draft, { status: "open" });
    set("me", "call", CALL);
    setAgent({ status: "ringing", call_id: CALL });
  },
  answer() {
    const ch = `call/${CALL}`;
    set(ch, "call/phase", "talking");
    set(ch, "call/answered_at", now());
    set(ch, "call/answered_by", "8001");
    setAgent({ status: "talking", call_id: CALL });
    LINES.forEach(([who, text], i) => {
      const last = i === LINES.length - 1;
      setTimeout(() => { set(ch, "call/answered_at", now() - i * 6000 - 5000); say(i, who, text, !last, i * 6, i * 6 + 4.2, 2); }, 150 * i + 100);
    });
    setTimeout(() => set(ch, "draft", draft), 400);
  },
  hold() { set(`call/${CALL}`, "call/phase", "held"); set(`call/${CALL}`, "call/held_since", now() - 75000); },
  end() {
    set(`call/${CALL}`, "call/phase", "ended"); set(`call/${CALL}`, "call/agent_left_at", now()); set(`call/${CALL}`, "call/ended_at", now());
    setAgent({ status: "wrapping_up", call_id: CALL, wrap_up_until: now() + 60000 });
  },
  ready() { set("me", "call", null); setAgent({ status: "ready", call_id: null }); },
  "speech-down"() { set(`call/${CALL}`, "speech", { state: "down", reason: "talking but no text", engine: "" }); set("me", "links/speech", { state: "down", reason: "talking but no text", engine: "" }); },
  "speech-up"() { set(`call/${CALL}`, "speech", { state: "ok", reason: "", engine: "vosk" }); set("me", "links/speech", { state: "ok", reason: "", engine: "vosk" }); },
  "speech-degraded"() { for (const [ch, path] of [[`call/${CALL}`, "speech"], ["me", "links/speech"]]) set(ch, path, { state: "degraded", reason: "text is late", engine: "vosk" }); },
  faults() {
    set("me", "links/switch", { state: "down", reason: "connection refused" });
    set("me", "links/database", { state: "down", reason: "timed out" });
    story["speech-down"]();
  },
  "no-faults"() { set("me", "links/switch", { state: "live", reason: "" }); set("me", "links/database", { state: "ok", reason: "" }); story["speech-up"](); },
  restart() { epoch = `e${now()}`; Object.assign(me, { call: null, agent: { ...me.agent, status: "signed_out", call_id: null } }); for (const each of sockets) each.socket.terminate(); },
  expire() { signedIn = false; },
  empty() { empty = true; },
  broken() { broken = true; },
  conflict() { conflictNext = true; },
  // Somebody else writes the title; something else is understood of the address just before a ticket is submitted.
  "another-hand"() { touched(() => { draft.fields.title = field("另一窗口写下的内容", "typed"); }); },
  "another-address"() { addressNext = true; },
  "records-down"() { recordsDown = true; },
  cut() { for (const each of sockets) each.socket.terminate(); refuse = true; },
  mend() { refuse = empty = broken = recordsDown = false; },
};
let conflictNext = false;
let addressNext = false;
let recordsDown = false;
let refuse = false;
let empty = false;
let broken = false;
let signedIn = process.argv.includes("--signed-in");
if (signedIn) me.agent.status = "ready";

// ---- HTTP -------------------------------------------------------------------------------------------------------------

let person = "8001";
const MAY = ["shift.use", "call.read", "number.reveal", "caller_history.read", "call.list", "draft.write", "ticket.list", "callback.read", "callback.work", "handoff.read", "handoff.write", "call.transfer", "outbound.place"];
const REVISITS = ["shift.use", "call.list", "call.read", "call.hang_up", "ticket.list", "callback.read", "callback.work", "outbound.place"];
const session = () => ({ user: { id: Number(person), username: person, display_name: cast.supervisor() ? "班长9001" : person === "7001" ? "回访7001" : "座席8001", role: cast.supervisor() ? "supervisor" : person === "7001" ? "revisit" : "operator", agent_id: person, seat: "8001" }, permissions: cast.supervisor() ? [...MAY, "call.supervise", "agent.list", "agent.control", "wall.read", "shift_log.read_any", "surge.control", "priority_numbers.keep"] : person === "7001" ? REVISITS : MAY, queues: { hotline: "政务热线" }, csrf: "c", local_key: Buffer.from(person.padEnd(32, "x")).toString("hex") });
const page = (items, query) => {
  if (broken) return [500, { error: "internal", detail: "", field: null }];
  if (empty) items = [];
  const size = Number(query.get("size") ?? 20), at = Number(query.get("page") ?? 1);
  return { items: items.slice((at - 1) * size, at * size), total: items.length, page: at, size };
};
function touched(change) {
  change();
  draft.version += 1;
  draft.updated_at = new Date().toISOString();
  draft.missing = ["title", "appeal_type", "category_code", "address", "description", "contact_phone"].filter((name) => !draft.fields[name].value);
  set(`call/${CALL}`, "draft", structuredClone(draft));
  return draft;
}

const routes = [
  ["GET", /^\/session$/, () => (signedIn ? session() : [401, { error: "not_signed_in", detail: "", field: null }])],
  ["POST", /^\/session$/, (_, body) => (body.password === "wrong" ? [401, { error: "sign_in_refused", detail: "", field: null }] : ((signedIn = true), (person = body.username), person === "9001" && Object.assign(me.agent, { id: "9001", display_name: "班长9001" }), session()))],
  ["DELETE", /^\/session$/, () => ((signedIn = false), [204])],
  ["POST", /^\/ws-ticket$/, () => (!signedIn ? [401, { error: "not_signed_in", detail: "", field: null }] : refuse ? [503, {}] : { ticket: "t", expires_in_s: 30 })],
  ["POST", /^\/shift\/sign-in$/, (_, body) => { const desk = (body.seat ?? me.agent.seat) === "8101"; if (me.agent.status === "signed_out") setAgent({ status: "ready", seat: desk ? "8101" : "8001", seat_kind: desk ? "desk_phone" : "softphone" }); return { agent_id: "8001", seat: me.agent.seat, seat_kind: me.agent.seat_kind, sip: desk ? null : { uri: "sip:8001@127.0.0.1", ws_url: `ws://127.0.0.1:${PORT}/ws`, password: "x", realm: "asterisk" }, agent: me.agent }; }],
  ["POST", /^\/shift\/recover$/, () => ({ outcome: "done", agent: me.agent })],
  ["POST", /^\/shift\/sign-out$/, () => (setAgent({ status: "signed_out", seat: "8001", seat_kind: "softphone" }), [204])],
  ["POST", /^\/shift\/status$/, (_, body) => { if (me.agent.status === "talking") set("me", "agent/next_reason", body.reason); else if (body.status === "ready") story.ready(); else setAgent({ status: "paused", reasons: [body.reason] }); return { outcome: "done", agent: me.agent }; }],
  ["POST", /^\/shift\/wrap-up\/extend$/, () => { set("me", "agent/wrap_up_until", me.agent.wrap_up_until + 60000); return { outcome: "done", agent: me.agent }; }],
  ["POST", /^\/shift\/wrap-up\/finish$/, () => (story.ready(), { outcome: "done", agent: me.agent })],
  ["GET", /^\/calls$/, (_, __, query) => page(calls.filter((each) => (!query.has("missed") || (each.outcome === "abandoned") === (query.get("missed") === "true")) && (!query.has("direction") || each.direction === query.get("direction"))), query)],
  ["GET", /^\/calls\/[^/]+\/caller-history$/, (_, __, query) => page(history, query)],
  ["GET", /^\/calls\/[^/]+\/transcript$/, () => ({ call_id: CALL, turns: call.transcript })],
  ["POST", /^\/calls\/[^/]+\/reveal-number$/, () => ({ number: "13800000000" })],
  ["POST", /^\/calls\/[^/]+\/draft$/, () => draft],
  ["POST", /^\/drafts\/[^/]+\/close$/, () => (conflictNext ? [409, { error: "version_conflict", detail: "", field: null, current: draft }] : touched(() => { draft.status = "closed"; }))],
  ["POST", /^\/drafts\/[^/]+\/reopen$/, () => touched(() => { draft.status = "open"; })],
  ["GET", /^\/drafts$/, (_, __, query) => page([{ id: "d-1", call_id: CALL, updated_at: draft.updated_at, status: "open", title: "路灯不亮多日未修", caller_number: "138****0000" }], query)],
  ["GET", /^\/drafts\/[^/]+$/, () => (refuse || recordsDown ? [503, { error: "records_unavailable", detail: "", field: null }] : draft)],
  ["PATCH", /^\/drafts\/[^/]+$/, (_, body) => {
    if (refuse || recordsDown) return [503, { error: "records_unavailable", detail: "", field: null }];
    if (conflictNext) { conflictNext = false; touched(() => { for (const name of Object.keys(body.fields)) draft.fields[name] = field("另一窗口写下的内容", "typed"); }); return [409, { error: "version_conflict", detail: "", field: null, current: draft }]; }
    return touched(() => { for (const [name, value] of Object.entries(body.fields)) draft.fields[name] = { ...draft.fields[name], value, origin: "typed" }; });
  }],
  ["POST", /^\/drafts\/[^/]+\/suggestions\/(\w+)$/, ([, name], body) => touched(() => {
    const one = draft.fields[name];
    const offer = one.suggestion;
    if (body.action === "accept") draft.fields[name] = field(offer.value, "accepted", { ...offer, status: "accepted" });
    else if (body.action === "dismiss") draft.fields[name] = field(one.origin === "suggested" ? null : one.value, one.origin === "suggested" ? "empty" : one.origin, { ...offer, status: "dismissed" });
    else draft.fields[name] = field(offer.value, "suggested", { ...offer, status: "filled" });
  })],
  ["POST", /^\/drafts\/[^/]+\/accept-all$/, () => touched(() => { for (const each of Object.values(draft.fields)) if (each.suggestion?.status === "filled") Object.assign(each, { origin: "accepted", suggestion: { ...each.suggestion, status: "accepted" } }); })],
  ["POST", /^\/drafts\/[^/]+\/submit$/, (_, body) => (addressNext ? ((addressNext = false), touched(() => { draft.fields.address = field("城区驿后小区5号楼", "suggested", suggestion("城区驿后小区5号楼", 0.8, 3, 0, 8)); }), [409, { error: "version_conflict", detail: "", field: null, current: draft }]) : null) ?? [201, { ...history[0], version: 1, updated_at: "", disposition: body.disposition, summary: body.summary, author: "座席8001", agent_id: "8001", fields: {} }]],
  ["GET", /^\/tickets$/, (_, __, query) => page(history.filter((each) => each.title.includes(query.get("q") ?? "")), query)],
  ["GET", /^\/tickets\/[^/]+$/, () => ({ ...history[0], version: 1, updated_at: "", disposition: "dispatch", summary: "反映垃圾池异味", author: "座席8001", agent_id: "8001", fields: { title: "垃圾池异味", category_code: "0102", anonymous: false } })],
  ["GET", /^\/reference$/, () => reference],
  ...told.routes,
  ...cast.routes,
];

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://x");
  const text = await new Promise((done) => { let all = ""; request.on("data", (part) => (all += part)); request.on("end", () => done(all)); });
  const answer = (status, body) => { response.writeHead(status, { "content-type": "application/json" }); response.end(body === undefined ? "" : JSON.stringify(body)); };
  if (url.pathname.startsWith("/mock/")) { story[url.pathname.slice(6)]?.(); return answer(204); }
  if (url.pathname.startsWith("/api/v1/")) {
    const path = url.pathname.slice(7);
    for (const [method, shape, act] of routes) {
      const match = shape.exec(path);
      if (request.method !== method || match === null) continue;
      const made = act(match, text === "" ? {} : JSON.parse(text), url.searchParams, page);
      return Array.isArray(made) ? answer(...made) : answer(200, made);
    }
    return answer(404, { error: "not_found", detail: "", field: null });
  }
  const file = join(STATIC, url.pathname === "/" ? "index.html" : url.pathname);
  if (!file.startsWith(STATIC) || !existsSync(file)) return answer(404);
  response.writeHead(200, { "content-type": `${KINDS[extname(file)] ?? "application/octet-stream"}; charset=utf-8` });
  response.end(readFileSync(file));
});

const liveSockets = new WebSocketServer({ noServer: true }).on("connection", (socket) => {
  const each = { socket, subs: new Set() };
  sockets.add(each);
  const beat = setInterval(() => socket.send(JSON.stringify({ t: "hb", now: now(), seqs: Object.fromEntries([...each.subs].map((ch) => [ch, seqs[ch] ?? 1])) })), 5000);
  const join_ = (ch) => { each.subs.add(ch); socket.send(snap(ch)); };
  socket.on("message", (data) => {
    const message = JSON.parse(String(data));
    if (message.t === "hello") {
      socket.send(JSON.stringify({ t: "welcome", sid: "s", role: "operator", perms: [], hb: 5000, now: now(), build: "" }));
      message.subs.forEach((sub) => join_(sub.ch));
    } else if (message.t === "sub" || message.t === "resync") join_(message.ch);
    else if (message.t === "unsub") each.subs.delete(message.ch);
  });
  socket.on("close", () => { clearInterval(beat); sockets.delete(each); });
});
// A registrar that takes every phone, and rings none.
const phones = new WebSocketServer({ noServer: true, handleProtocols: () => "sip" }).on("connection", (socket) => {
  socket.on("message", (data) => {
    const [first, ...lines] = String(data).split("\r\n");
    if (!first.startsWith("REGISTER")) return;
    const echoed = lines.filter((line) => /^(Via|From|To|Call-ID|CSeq|Contact):/i.test(line)).map((line) => (line.startsWith("To:") ? `${line};tag=mock` : line));
    socket.send(["SIP/2.0 200 OK", ...echoed, "Content-Length: 0", "", ""].join("\r\n"));
  });
});
server.on("upgrade", (request, socket, rest) => {
  const to = request.url === "/ws" ? phones : liveSockets;
  to.handleUpgrade(request, socket, rest, (made) => to.emit("connection", made));
});
server.listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}/`));
