/* What a session looks like. Builds elements and sets texts, never markup; asks the session for everything. */

const WARN_MS = 4000;
const MOST_RECENT = 8;
const LARGEST_ENLARGEMENT = 8; // a 64-pixel picture is shown at 512
const LEAST_SAID = 0.005; // a probability below is not shown
const SHARPEST = 2; // more pixels per point are not seen

class View {
  constructor(root, { signal, run, keymap }) {
    this.root = root;
    this.parts = partsOf(root);
    this.ladder = this.makeLadder(keymap);
    this.recent = []; // the last labels as drawn: {uid, item: their element}
    this.seen = new Map(); // image id -> the element that was on screen, the newest last
    this.rows = Array.from({ length: ROWS }, (_, place) => this.makeRow(place));
    this.parts.rows.replaceChildren(...this.rows.map(({ item }) => item));
    const { frame, search, box } = this.parts;
    root.addEventListener("click", (event) => this.onClick(event, run), { signal });
    // A click must not take the keyboard away from the window: the next Enter would press the button again.
    box.addEventListener("mousedown", (event) => event.target.closest("button") && event.preventDefault(), { signal });
    search.addEventListener("input", () => run("searchFor", search.value), { signal });
    search.addEventListener("keydown", (event) => searchKey(event, run), { signal });
    window.addEventListener("resize", () => this.fit(), { signal });
    const watcher = new ResizeObserver(() => this.fit());
    watcher.observe(frame);
    signal.addEventListener("abort", () => watcher.disconnect());
    this.fit();
  }

  makeLadder(keymap) {
    return new Ladder(this.parts, keymap);
  }

  makeRow(place) {
    const [name, sub] = [named("", "name"), named("", "sub")];
    const [sure, below] = [element("span", "sure"), element("span", "below")];
    const [item, key, texts, code] = [element("li"), element("kbd"), element("span", "texts"), element("kbd", "code")];
    texts.append(name, sub);
    const pressed = button("row", place, key, texts, code, sure, below);
    item.append(pressed);
    return { digit: String(place + 1), item, button: pressed, key, name, sub, code, sure, below };
  }

  onClick(event, run) {
    const pressed = event.target.closest("[data-do]");
    if (!pressed || pressed.disabled) return;
    const { do: command, argument } = pressed.dataset;
    run(command, /^-?\d+$/.test(argument ?? "") ? Number(argument) : argument);
  }

  /* Fill the window below our own top edge, whatever stands above us. */
  fit() {
    const { box } = this.parts;
    box.style.setProperty("--top", `${Math.round(box.getBoundingClientRect().top + window.scrollY)}px`);
  }

  /* Pixels that the longest side of this picture needs on this screen. */
  pictureSide({ width, height }) {
    const { clientWidth, clientHeight } = this.parts.frame;
    const scale = Math.min(clientWidth / width, clientHeight / height) * Math.min(window.devicePixelRatio, SHARPEST);
    return Math.max(width, height) * scale;
  }

  draw(session) {
    this.drawPicture(session);
    this.drawHere(session);
    this.drawSaid(session);
    this.ladder.draw(session);
    this.drawRows(session);
    this.drawActions(session);
    this.drawRecent(session);
  }

  drawPicture({ item, memory, wayBack, ...rest }) {
    const { picture, chips, message } = this.parts;
    const isReady = item?.state === "ready";
    if (isReady && picture.firstChild !== item.image) this.put(item);
    else if (!isReady) picture.replaceChildren();
    const against = item ? memory.against(item.id) : [];
    redrawAs(chips, JSON.stringify([wayBack ?? null, ...against.map(({ uid }) => uid)]), () => [
      ...(wayBack ? [button("goBack", "", element("span", "", `Back to ${wayBack.whence}`), element("kbd", "", "Esc"))] : []),
      ...against.map(({ uid, name }) => this.chip(uid, name)),
    ]);
    message.hidden = isReady;
    if (!isReady) this.drawMessage(messageFor({ item, ...rest }));
  }

  put({ id, image }) {
    image.style.maxWidth = `${LARGEST_ENLARGEMENT * image.naturalWidth}px`;
    image.style.maxHeight = `${LARGEST_ENLARGEMENT * image.naturalHeight}px`;
    this.parts.picture.replaceChildren(image);
    this.seen.delete(id);
    this.seen.set(id, image); // the strip of last labels shows it again, without loading it again
    if (this.seen.size > 2 * MOST_RECENT) this.seen.delete(this.seen.keys().next().value);
  }

  chip(uid, name) {
    const made = button("unsay", uid, element("span", "", "Not "), named(name), element("span", "cross", "×"));
    made.title = "Take this back";
    return made;
  }

  drawMessage({ title, text, action, actionText, isBusy = false }) {
    const { message, messageTitle, messageText, messageButton } = this.parts;
    message.classList.toggle("busy", isBusy);
    messageTitle.textContent = title;
    messageText.textContent = text;
    messageButton.hidden = !action;
    messageButton.dataset.do = action ?? "";
    messageButton.textContent = actionText ?? "";
  }

  drawHere({ tree, standing: { at } }) {
    const { crumbs, hereName, hereMeta, hereNote } = this.parts;
    if (!tree) return;
    const path = [0, ...tree.path(at)];
    const steps = path.map((node) => [node, tree.names[node]]);
    redrawAs(crumbs, JSON.stringify(steps), () => steps.map(([node, name]) => this.crumb(node, name)));
    crumbs.lastChild.setAttribute("aria-current", "location");
    write(hereName, tree.names[at]);
    const below = tree.below[at] ? `${count(tree.below[at], "class", "classes")} below` : "no classes below";
    const synonyms = tree.synonyms[at] ?? [];
    const also = synonyms.length ? `also: ${synonyms.join(", ")}` : "";
    redrawAs(hereMeta, JSON.stringify([below, also]), () => [element("span", "", below), named(also && ` · ${also}`)]);
    write(hereNote, tree.notes[at] ?? "");
    hereNote.title = tree.notes[at] ?? "";
  }

  crumb(node, name) {
    const made = button("goTo", node, named(name));
    made.title = name; // it may be shortened
    return made;
  }

  /* What people say about the picture so far, in queues that are looked through once more. */
  drawSaid({ item, tree }) {
    const { said } = this.parts;
    const words = (tree && item?.said) || [];
    said.hidden = !words.length;
    const told = words.map(({ by, kind, node }) => [named(saidOf(kind, tree.names[tree.find(node)] ?? node)), " (", named(by), ")"]);
    said.replaceChildren("So far: ", ...told.flatMap((one, place) => (place ? [", ", ...one] : one)));
  }

  drawRows({ tree, standing, suggestion, ...rest }) {
    const { pager, pagerText, empty, box } = this.parts;
    const { listed, start, total, pick, query } = standing;
    this.drawOrder({ standing, suggestion, ...rest });
    this.rows.forEach((row, place) => {
      const node = listed[start + place];
      row.item.hidden = node === undefined;
      if (node === undefined) return;
      this.drawRow(row, node, { tree, query, suggestion, isPicked: start + place === pick });
      write(row.code, this.codeOf(node, rest));
    });
    pager.hidden = total <= ROWS;
    write(pagerText, `${start + 1}–${Math.min(start + ROWS, listed.length)} of ${whole(total)}`);
    box.classList.toggle("searching", Boolean(query));
    empty.hidden = !tree || (listed.length > 0 && !standing.isGuess);
    const meant = listed.length ? " Did you mean one of these?" : "";
    write(empty, query ? `No class has this in its name.${meant}` : "This is as fine as it gets.");
  }

  drawOrder({ standing: { total, query }, suggestion, keymap }) {
    const { order, orderText } = this.parts;
    order.hidden = Boolean(query) || !(suggestion || keymap.fixedOrder) || total < 2;
    write(orderText, keymap.fixedOrder ? "Tree order" : "Most likely first");
  }

  codeOf(node, { keymap, desk }) {
    return keymap.showsCodes ? keymap.typed(desk.codeOf(node)) : "";
  }

  drawRow(row, node, { tree, query, suggestion, isPicked }) {
    const path = tree.path(node).slice(0, -1);
    write(row.key, query ? "↵" : row.digit);
    write(row.name, tree.names[node]);
    const synonyms = (tree.synonyms[node] ?? []).join(", ");
    write(row.sub, query ? path.map((step) => tree.names[step]).join(" › ") : synonyms);
    const sure = suggestion?.shown.get(node) ?? 0;
    write(row.sure, sure >= LEAST_SAID && !query ? percent(sure) : "");
    write(row.below, tree.below[node] ? `${whole(tree.below[node])} below` : "");
    row.button.classList.toggle("picked", isPicked);
    row.button.setAttribute("aria-current", String(isPicked));
    row.button.title = tree.notes[node] ?? "";
    if (isPicked) row.button.scrollIntoView({ block: "nearest" });
  }

  drawActions({ tree, standing: { at }, item, memory, suggestion, ...rest }) {
    const { labelText, labelHint, label, up, notThis, noneHere, unusable, skip, undo } = this.parts;
    if (tree) write(labelText, tree.names[at]);
    write(labelHint, at === 0 ? "can’t tell any closer" : "");
    label.disabled = !item || !tree;
    up.disabled = at === 0;
    notThis.disabled = !item || !(at || suggestion?.node);
    noneHere.disabled = !item || !tree || tree.isLeaf(at);
    unusable.disabled = skip.disabled = !item;
    const { last } = memory;
    undo.disabled = !last;
    undo.title = last ? `Take back: ${{ skip: "the skip", is_not: `not ${last.name}` }[last.kind] ?? last.name}` : "";
    this.drawProgress(rest);
  }

  drawProgress({ counts, made }) {
    const { progress, progressText } = this.parts;
    if (!counts) return;
    const labelled = Math.min(counts.images, counts.labelled + made);
    progress.max = Math.max(1, counts.images);
    progress.value = labelled;
    write(progressText, `${whole(labelled)} of ${whole(counts.images)} labelled`);
  }

  drawRecent({ memory, queue }) {
    const acts = memory.labels(MOST_RECENT);
    const kept = new Map(this.recent.map((made) => [made.uid, made]));
    this.recent = acts.map(({ uid, item, kind, name }, place) => {
      const made = kept.get(uid) ?? { uid, item: this.recentItem(item, saidOf(kind, name), queue) };
      made.item.firstChild.dataset.argument = place;
      return made;
    });
    rearrange(this.parts.recent, this.recent.map(({ item }) => item));
  }

  recentItem(item, name, queue) {
    let picture = this.seen.get(item.id);
    if (!picture || this.parts.picture.contains(picture)) {
      picture = new Image();
      picture.decoding = "async";
      picture.src = queue.address(item);
    }
    picture.alt = "";
    picture.removeAttribute("style");
    const made = element("li");
    const again = button("revisit", "", picture, named(name));
    again.title = `${name}: show this picture again`;
    made.append(again);
    return made;
  }

  drawStatus({ outbox, queue, data }) {
    const { status, refused, who, foreign } = this.parts;
    const { text, mood } = statusFor(outbox, queue);
    write(status, text);
    status.dataset.mood = mood;
    refused.hidden = !outbox.refused.length;
    write(refused, `${count(outbox.refused.length, "label", "labels")} refused`);
    write(who, data.annotator);
    foreign.hidden = !outbox.foreign;
    const waiting = count(outbox.foreign, "label", "labels");
    write(foreign, `${waiting} of someone else wait in this browser until they label again`);
  }

  /* left: pictures to come, null where that is not told. */
  drawQueueName({ name }, left) {
    write(this.parts.queueName, name);
    write(this.parts.queueLeft, left === null ? "" : `${whole(left)} left`);
  }

  focusSearch() {
    this.parts.search.focus();
    this.parts.search.select();
  }

  leaveSearch() {
    this.parts.search.value = "";
    this.parts.search.blur();
  }

  /* For ears only; the eyes see what happened. */
  say(text) {
    this.parts.announcer.textContent = text;
  }

  /* For eyes and ears. */
  warn(text) {
    const { toast } = this.parts;
    toast.textContent = text;
    toast.classList.add("shown");
    clearTimeout(this.warning);
    this.warning = setTimeout(() => this.hush(), WARN_MS);
  }

  /* The next thing is done: what was said belongs to the one before. */
  hush() {
    this.parts.toast.classList.remove("shown");
  }
}

/* What somebody says about a picture: a kind of label, and the name of a class. */
function saidOf(kind, name) {
  return { is: name, is_not: `not ${name}`, none_here: `${name}, none below`, unusable: "Unusable" }[kind];
}
