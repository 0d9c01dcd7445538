// The page works without this. With it, what is shown stays true: ages count on, and when
// governance says that something is new the same address is asked for again and laid over it.
"use strict";

const root = document.documentElement;
const EVERY_MS = 1500;

// Ages ----------------------------------------------------------------------------------------
const ago = (seconds) => {
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  }
  return `${Math.max(0, Math.floor(seconds))} s ago`;
};
// The server's clock counts: the reader's may be wrong.
let skew = 0;
const learn = (of) => {
  const stamp = of.querySelector("footer time");
  if (stamp) skew = Date.parse(stamp.dateTime) - Date.now();
};
const tick = () => {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const said = ago((Date.now() + skew - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== said) time.textContent = said;
  }
};

// Laying the new page over the old: what is the same stays, with its focus and its place ---------
const key = (node) => node.dataset?.key ?? (node.id || null);
const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && key(a) === key(b);

const attributes = (old, fresh) => {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
};

const lay = (old, fresh) => {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.id === "live" || old.isEqualNode(fresh)) return;
  attributes(old, fresh);
  if (old.nodeName === "INPUT") return; // what is being typed is the reader's
  const keyed = new Map([...old.children].filter(key).map((child) => [key(child), child]));
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const known = child.nodeType === Node.ELEMENT_NODE && key(child) ? keyed.get(key(child)) : null;
    if (known && known.nodeName === child.nodeName) {
      if (known === at) at = at.nextSibling;
      else old.insertBefore(known, at);
      lay(known, child);
    } else if (at && alike(at, child)) {
      lay(at, child);
      at = at.nextSibling;
    } else {
      if (child.dataset?.key) child.classList.add("new");
      old.insertBefore(child, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
};

// News ----------------------------------------------------------------------------------------
let wanted = false, asking = false, last = 0;
const refresh = async () => {
  wanted = true;
  if (asking || paused || document.hidden) return;
  asking = true;
  await new Promise((done) => setTimeout(done, Math.max(0, last + EVERY_MS - Date.now())));
  wanted = false;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.ok && !paused) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      learn(fresh);
      lay(document.getElementById("main"), fresh.getElementById("main"));
      lay(document.querySelector("footer"), fresh.querySelector("footer"));
      root.dataset.marks = fresh.documentElement.dataset.marks;
      tick();
    }
  } catch {
    say("waiting", "waiting"); // the stream tries again, and asks anew when it is back
  }
  last = Date.now();
  asking = false;
  if (wanted) refresh();
};

let paused = false;
const slot = document.getElementById("live");
const button = document.createElement("button");
const state = document.createElement("span");
const say = (mood, text) => {
  slot.dataset.mood = mood;
  state.textContent = text;
};

const listen = () => {
  const topics = new Set(root.dataset.live.split(" "));
  const source = new EventSource("/page/events");
  source.addEventListener("hello", (event) => {
    say(paused ? "paused" : "on", paused ? "paused" : "live");
    if (event.data !== root.dataset.marks) refresh();
  });
  source.addEventListener("news", (event) => {
    if (event.data.split(" ").some((topic) => topics.has(topic))) refresh();
  });
  source.addEventListener("beat", () => topics.has("beat") && refresh());
  source.addEventListener("error", () => {
    say("waiting", "waiting");
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  });
};

learn(document);
setInterval(tick, 1000);
if (root.dataset.live) {
  button.type = "button";
  button.append(state);
  button.setAttribute("aria-pressed", "false");
  button.title = "Hold the page still";
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.title = paused ? "Let the page move again" : "Hold the page still";
    say(paused ? "paused" : "on", paused ? "paused" : "live");
    if (!paused) refresh();
  });
  slot.append(button);
  say("waiting", "waiting");
  document.addEventListener("visibilitychange", () => wanted && refresh());
  listen();
}
