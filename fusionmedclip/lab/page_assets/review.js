"use strict";
const at = (id) => document.getElementById(id);
let inputs = [], decisions = {}, colours = [], current = 0, slice = 0, hidden = false, layers = null, asked = 0, saving = false;
const who = localStorage.getItem("who") ?? crypto.randomUUID(); // of several browsers on one review, this one
localStorage.setItem("who", who);
const signs = { accept: "\u2713 accepted", reject: "\u2717 rejected" };

const said = (value) => Math.abs(value) < 10 ? value.toFixed(3) : String(Number(value.toPrecision(4)));
const threshold = () => Number(at("threshold").value);

function level() { // of 256 on the scale; a map's own level lies above it or does not
  const { low, high } = inputs[current].scale;
  return 255 * (threshold() - low) / (high - low);
}

async function load(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

function levelsOf(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height);
}

async function fetchLayers() {
  const mine = ++asked, part = inputs[current].slices[slice];
  try {
    const picture = load(`picture/${current}/${slice}`), map = part.map ? load(`map/${current}/${slice}`) : null;
    const got = { picture: await picture, levels: map && levelsOf(await map) };
    if (mine !== asked) return; // another was asked for meanwhile
    layers = got;
    paint();
  } catch {
    if (mine === asked) say("This picture cannot be loaded: is the review still running, are its files still there?");
  }
}

function paint() {
  if (!layers) return;
  const canvas = at("large"), { picture, levels } = layers, context = canvas.getContext("2d");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  context.drawImage(picture, 0, 0);
  let share = null;
  if (levels) {
    const opacity = hidden ? 0 : Number(at("opacity").value) / 100;
    const { drawn, marked } = drawMap(levels, colours, { threshold: level(), opacity });
    const small = document.createElement("canvas");
    [small.width, small.height] = [levels.width, levels.height];
    small.getContext("2d").putImageData(drawn, 0, 0);
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    share = marked;
  }
  at("threshold-value").value = levels ? `${said(threshold())} (${(100 * share).toFixed(1)} % above)` : "";
  at("opacity-value").value = hidden ? "off" : `${at("opacity").value} %`;
  canvas.dataset.painted = `${current}/${slice}`;
}

function draw() {
  const input = inputs[current], part = input.slices[slice], many = input.slices.length > 1;
  at("title").textContent = input.file;
  at("decision").textContent = signs[decisions[input.name]] ?? "";
  at("state").textContent = `${input.flag}, score ${input.score}` +
    (input.percentile === null ? "" : `, above ${input.percentile.toFixed(0)} % of the support`) +
    (many ? `; this slice ${part.score}` : "") + input.notes.map((note) => `. \u26a0 ${note}`).join("");
  at("large").ariaLabel = `${input.file}${many ? `, slice ${slice + 1} of ${input.slices.length}` : ""} with its map`;
  at("slices").hidden = !many;
  at("slice").max = input.slices.length - 1;
  at("slice").value = slice;
  at("place").value = `${slice + 1} of ${input.slices.length}${slice === input.worst ? " (worst)" : ""}`;
  for (const row of document.querySelectorAll(".of-map")) row.hidden = !part.map;
  at("before").disabled = current === 0;
  at("after").disabled = current === inputs.length - 1;
  const done = inputs.filter((one) => decisions[one.name]).length;
  at("progress").value = `${done} of ${inputs.length} reviewed`;
  [...at("list").children].forEach((row, index) => {
    const button = row.firstChild, said = decisions[inputs[index].name];
    button.setAttribute("aria-current", index === current);
    button.firstChild.textContent = said ? signs[said][0] : "\u00b7";
    button.firstChild.setAttribute("aria-label", said ? signs[said].slice(2) : "not reviewed");
  });
  fetchLayers();
}

function open(index) {
  if (index < 0 || index >= inputs.length) return;
  current = index;
  slice = inputs[index].worst;
  const { low, high, threshold: set } = inputs[index].scale;
  Object.assign(at("threshold"), { min: low, max: high, value: set ?? (low + high) / 2 });
  draw();
  const row = at("list").children[index]; // the list alone is scrolled: the picture stays where it is
  at("list").scrollTop = row.offsetTop - at("list").offsetTop - (at("list").clientHeight - row.clientHeight) / 2;
}

function turn(by) {
  slice = Math.min(Math.max(slice + by, 0), inputs[current].slices.length - 1);
  draw();
}

function say(words) {
  at("problem").textContent = words;
  at("problem").hidden = !words;
}

async function post(place, body) { // null where nothing was done
  if (saving) return null; // a second press before the first is answered is meant for nothing else
  saving = true;
  try {
    const answer = await fetch(place, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await answer.text());
    const done = await answer.json();
    say("");
    return done;
  } catch (error) {
    say(`Not saved: ${error.message}`);
    return null;
  } finally {
    saving = false;
  }
}

async function decide(decision) {
  const input = inputs[current], set = input.slices[slice].map ? threshold() : null;
  const seen = decisions[input.name] ?? "";
  const answer = await post("decide", { name: input.name, decision, threshold: set, seen, who });
  if (!answer) return refresh(); // another window may have decided: what stands there now is shown
  decisions = answer.decisions;
  const next = inputs.findIndex((one, index) => index > current && !decisions[one.name]);
  if (next >= 0) open(next); else draw();
}

async function undo() {
  const answer = await post("undo", { who });
  if (!answer) return refresh();
  decisions = answer.decisions;
  const index = inputs.findIndex((one) => one.name === answer.undone);
  if (index >= 0) open(index); else draw();
}

async function refresh() {
  try {
    ({ decisions } = await (await fetch("decisions.json")).json());
    if (inputs.length) draw();
  } catch { /* the review has ended: the next click says so */ }
}

function list() {
  inputs.forEach((input, index) => {
    const row = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    for (const [tag, text] of [["span", ""], ["span", input.file], ["output", input.score],
      ["small", input.flag]]) {
      const part = document.createElement(tag);
      part.textContent = text;
      button.append(part);
    }
    button.firstChild.setAttribute("role", "img");
    button.addEventListener("click", () => open(index));
    row.append(button);
    at("list").append(row);
  });
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || !inputs.length) return;
  const sliding = event.target.type === "range", pressing = event.target.tagName === "BUTTON";
  const keys = { a: () => decide("accept"), r: () => decide("reject"), u: undo };
  if (!sliding) {
    Object.assign(keys, { ArrowRight: () => open(current + 1), ArrowLeft: () => open(current - 1),
      ArrowUp: () => turn(-1), ArrowDown: () => turn(1) });
  }
  if (!pressing) keys[" "] = () => { hidden = !hidden; paint(); };
  const act = keys[event.key];
  if (!act || event.repeat && "aru".includes(event.key)) return;
  event.preventDefault();
  act();
});
at("accept").addEventListener("click", () => decide("accept"));
at("reject").addEventListener("click", () => decide("reject"));
at("undo").addEventListener("click", undo);
at("before").addEventListener("click", () => open(current - 1));
at("after").addEventListener("click", () => open(current + 1));
at("slice").addEventListener("input", () => { slice = Number(at("slice").value); draw(); });
at("opacity").addEventListener("input", () => { hidden = false; paint(); });
at("threshold").addEventListener("input", paint);

window.addEventListener("focus", refresh);

fetch("data.json").then((answer) => answer.json()).then((data) => {
  ({ inputs, decisions, colours } = data);
  list();
  if (data.outdated) say(`${data.outdated} of the decisions in review.csv are about other scores: those count as not reviewed.`);
  const next = inputs.findIndex((one) => !decisions[one.name]);
  open(Math.max(next, 0));
});
