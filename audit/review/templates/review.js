"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const PAIR = [
    ["first_better", "Answer 1 is better"], ["second_better", "Answer 2 is better"],
    ["equal", "Equally good"], ["first_only", "Only answer 1 is acceptable"], ["second_only", "Only answer 2 is acceptable"],
    ["neither", "Neither is acceptable"],
  ];
  const SINGLE = [["acceptable", "Acceptable"], ["unacceptable", "Not acceptable"]];
  const UNSURE = ["cannot_tell", "Can’t tell"];
  let rater = "", list = [], place = 0, ratings = {}, trail = [];

  const key = () => "audit-review/" + data.review + "/" + rater;
  const keep = () => { try { localStorage.setItem(key(), JSON.stringify({ratings, trail})); } catch { /* not kept */ } };
  const recall = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(key()) || "{}");
      ratings = kept.ratings || {}; trail = kept.trail || [];
    } catch { ratings = {}; trail = []; }
  };
  // an order of its own for every reviewer, the same whenever the page is opened again
  const rank = (text) => {
    let h = 2166136261;
    for (const c of text) { h ^= c.codePointAt(0); h = Math.imul(h, 16777619); h ^= h >>> 15; }
    return h >>> 0;
  };
  const choices = (item) => [...(item.answers.length === 2 ? PAIR : SINGLE), UNSURE];
  const add = (parent, tag, text) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  };

  function begin() {
    const name = at("rater").value.trim().replace(/\s+/g, " ");
    if (!name) { at("rater").focus(); return; }
    rater = name;
    const wanted = data.items.filter((item) => !at("second").checked || item.twice);
    list = wanted.sort((a, b) => rank(rater + a.item) - rank(rater + b.item));
    recall();
    at("start").hidden = true;
    at("who").textContent = rater + (at("second").checked ? " · second reviewer" : "");
    const open = list.findIndex((item) => !(item.item in ratings));
    place = open < 0 ? list.length : open;
    show();
  }

  function show() {
    const item = list[place];
    const done = list.filter((each) => each.item in ratings).length;
    at("count").textContent = done + " of " + list.length + " rated";
    at("done").style.width = (list.length ? 100 * done / list.length : 100) + "%";
    at("card").hidden = !item;
    at("end").hidden = Boolean(item);
    at("workflow").textContent = item ? item.workflow : "";
    if (!item) { at("text").value = exported(); at("save").focus(); return; }
    const before = item.turns.slice(0, -1);
    const last = item.turns[item.turns.length - 1];
    at("earlier").hidden = !before.length;
    at("earlier").open = false;
    at("earlier").querySelector("summary").textContent = "Before it: " + before.length + (before.length === 1 ? " turn" : " turns");
    const turns = at("earlier").querySelector("div");
    turns.replaceChildren();
    for (const [role, text] of before) { add(turns, "h2", role); add(turns, "pre", text); }
    at("asked").textContent = last ? last[1] : "(the request was not kept)";
    const answers = at("answers");
    answers.replaceChildren();
    answers.className = item.answers.length === 2 ? "two" : "";
    item.answers.forEach((text, number) => {
      const box = add(answers, "div");
      add(box, "h2", item.answers.length === 2 ? "Answer " + (number + 1) : "Answer");
      add(box, "pre", text);
    });
    const chosen = ratings[item.item];
    const buttons = at("choices");
    buttons.replaceChildren();
    choices(item).forEach(([name, title], number) => {
      const button = add(buttons, "button");
      button.type = "button";
      button.dataset.choice = name;
      add(button, "kbd", name === UNSURE[0] ? "0" : String(number + 1));
      button.append(title);
      button.setAttribute("aria-pressed", String(Boolean(chosen) && chosen.choice === name));
      button.addEventListener("click", () => rate(name));
    });
    at("note").value = chosen ? chosen.note : "";
    window.scrollTo(0, 0);
  }

  function rate(choice) {
    const item = list[place];
    if (!item) return;
    trail.push([item.item, ratings[item.item] || null]);
    ratings[item.item] = {choice, note: at("note").value.trim(), rated_at: new Date().toISOString()};
    keep();
    const open = list.findIndex((each, number) => number > place && !(each.item in ratings));
    const missed = list.findIndex((each) => !(each.item in ratings));
    place = open >= 0 ? open : missed >= 0 ? missed : list.length;
    show();
  }

  function undo() {
    const last = trail.pop();
    if (!last) return;
    const [item, before] = last;
    if (before) ratings[item] = before; else delete ratings[item];
    keep();
    place = Math.max(0, list.findIndex((each) => each.item === item));
    show();
  }

  function note() {
    const item = list[place];
    if (item && ratings[item.item]) { ratings[item.item].note = at("note").value.trim(); keep(); }
  }

  function move(step) { place = Math.min(list.length, Math.max(0, place + step)); show(); }

  const exported = () => JSON.stringify({
    format: data.format, review: data.review, rater,
    ratings: list.filter((item) => item.item in ratings).map((item) => ({item: item.item, ...ratings[item.item]})),
  }, null, 1);

  function save() {
    if (!rater) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([exported()], {type: "application/json"}));
    link.download = "ratings-" + data.review + "-" + rater.replace(/[^\p{L}\p{N}]+/gu, "-") + ".json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  at("begin").addEventListener("click", begin);
  at("rater").addEventListener("keydown", (event) => { if (event.key === "Enter") begin(); });
  at("note").addEventListener("change", note);
  at("back").addEventListener("click", () => rater && move(-1));
  at("next").addEventListener("click", () => rater && move(1));
  at("undo").addEventListener("click", undo);
  at("export").addEventListener("click", save);
  at("save").addEventListener("click", save);
  document.addEventListener("keydown", (event) => {
    if (!rater || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === at("note")) { if (event.key === "Escape") { note(); at("note").blur(); } return; }
    const item = list[place];
    const number = /^[0-9]$/.test(event.key) ? Number(event.key) : -1;
    if (item && number === 0) rate(UNSURE[0]);
    else if (item && number > 0 && number < choices(item).length) rate(choices(item)[number - 1][0]);
    else if (event.key === "n" && item) { event.preventDefault(); at("note").focus(); }
    else if (event.key === "u") undo();
    else if (event.key === "e") save();
    else if (event.key === "ArrowLeft") move(-1);
    else if (event.key === "ArrowRight") move(1);
  });
  at("count").textContent = data.items.length + " answers to rate";
  at("rater").focus();
})();
