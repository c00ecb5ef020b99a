/* The suggestion as a ladder: its path from the top level down, each step one key or one tap away. */
const TELEPHONE = matchMedia("(max-width: 480px)");

class Ladder {
  constructor(parts, keymap) {
    Object.assign(this, { parts, keymap });
  }

  draw({ tree, suggestion, data }) {
    const { suggestionBox, steps, acceptText, coarser, finer, awaited } = this.parts;
    suggestionBox.hidden = !suggestion;
    awaited.hidden = Boolean(suggestion) || !data.awaits_model;
    if (!suggestion) return;
    const { path, level } = suggestion;
    const shown = path.map(({ node, probability }, place) => [node, tree.names[node], probability, this.keyAt(place)]);
    redrawAs(steps, JSON.stringify([level, shown]), () =>
      path.map((step, place) => this.step(tree, step, place, place === level)),
    );
    if (TELEPHONE.matches) this.showMeant(steps);
    write(acceptText, tree.names[suggestion.node]);
    coarser.disabled = level < 0;
    finer.disabled = level >= path.length - 1;
  }

  // The path may be wider than the screen: what Accept would take is in sight, the rest a swipe away.
  showMeant(steps) {
    const meant = steps.querySelector("[aria-current]");
    if (meant) steps.scrollLeft = meant.offsetLeft + meant.offsetWidth - steps.clientWidth;
  }

  step(tree, { node, probability }, place, isMeant) {
    const made = this.button(node, place, tree.names[node]);
    made.append(named(tree.names[node]), element("span", "sure", percent(probability)));
    if (isMeant) made.setAttribute("aria-current", "true");
    return made;
  }

  keyAt(place) {
    return this.keymap.keyFor(idOf("acceptAt", place));
  }

  button(_node, place, name) {
    const made = button("acceptAt", place);
    const key = this.keyAt(place);
    if (key) made.append(element("kbd", "", key));
    made.title = `Label as ${name}`;
    return made;
  }
}
