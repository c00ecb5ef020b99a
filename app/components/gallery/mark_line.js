/* The line above the pictures that names the mark of a chart, where only its pictures are shown. It hears the charts in
   the browser, so a mark draws the pictures anew and no chart. */

class MarkLine {
  /* choose(mark): show the pictures of this mark, all of them for "". */
  constructor({ choose, signal }) {
    Object.assign(this, { choose, wanted: "" });
    this.box = element("div", "mark-name");
    this.box.setAttribute("role", "status");
    window.addEventListener("hmgc-mark", ({ detail }) => {
      this.wanted = detail;
      choose(detail);
    }, { signal });
  }

  /* words: of the mark, "" for none; problem: they say why there is none. */
  draw({ words = "", problem }) {
    if (this.drawn !== words) {
      this.drawn = words;
      this.box.classList.toggle("problem", Boolean(problem));
      this.box.replaceChildren(...(words ? [element("bdi", "", words), this.clear()] : []));
    }
    const isNew = words && this.wanted;
    this.wanted = "";
    if (isNew && this.box.getBoundingClientRect().top > innerHeight * 0.6) this.box.scrollIntoView({ block: "center" });
  }

  clear() {
    const made = element("button", "", "Show all again");
    made.type = "button";
    made.onclick = () => {
      window.dispatchEvent(new CustomEvent("hmgc-marked", { detail: "" }));
      this.choose("");
    };
    return made;
  }
}
