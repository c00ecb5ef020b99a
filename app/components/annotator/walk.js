/* Moving in the class tree: down by rows, up, through pages, by search. Labels only where a step ends at a leaf. */
class Walk {
  constructor(session) {
    this.session = session;
  }

  get standing() {
    return this.session.standing;
  }

  goTo(node) {
    this.leaveSearch();
    this.standing.go(node);
    this.session.draw();
  }

  /* Go to a class; one without classes below is the answer itself. */
  choose(node) {
    this.goTo(node);
    if (this.session.tree.isLeaf(node)) this.session.say("is", node);
    else this.tell(node);
  }

  /* Where one stands or what is picked, for those who do not see it. */
  tell(node) {
    if (node !== undefined) this.session.view.say(`${this.session.tree.names[node]}.`);
  }

  /* Row 0 to 8 of the page on screen. */
  row(place) {
    const node = this.standing.listed[this.standing.start + place];
    if (node !== undefined) this.choose(node);
    else this.session.view.warn(this.whyNoRow(place + 1));
  }

  whyNoRow(digit) {
    const { standing, session } = this;
    const name = session.tree.names[standing.at];
    if (!standing.query && !standing.total) return `There is nothing below ${name}.`;
    return `There is no class with the digit ${digit} here.`;
  }

  up() {
    if (!this.standing.at) return;
    this.goTo(this.session.tree.parents[this.standing.at]);
    this.tell(this.standing.at);
  }

  pick(by) {
    this.standing.movePick(by);
    this.session.draw();
    this.tell(this.standing.listed[this.standing.pick]);
  }

  page(by) {
    this.standing.turnPage(by);
    this.session.draw();
  }

  /* Into the picked row: from a search this chooses it, in the tree it only goes there. */
  enterPick() {
    const node = this.standing.listed[this.standing.pick];
    if (node === undefined) return;
    if (this.standing.query) return this.choose(node);
    this.goTo(node);
    this.tell(node);
  }

  search() {
    this.session.view.focusSearch();
  }

  searchFor(text) {
    this.standing.searchFor(text);
    this.session.draw();
    const { query, total, isGuess } = this.standing;
    const how = isGuess ? "with a name like it" : "found";
    if (query) this.session.view.say(`${count(total, "class", "classes")} ${how}.`);
  }

  leaveSearch() {
    this.session.view.leaveSearch();
    if (this.standing.query) this.searchFor("");
  }
}
