/* The sheet of labels that the app did not take: tried again or discarded, one by one, by a person. */
class RefusedSheet {
  constructor({ refusedBox, refusedList }, outbox) {
    Object.assign(this, { box: refusedBox, list: refusedList, outbox });
  }

  open() {
    this.list.replaceChildren(...this.outbox.refused.map((entry) => this.item(entry)));
    if (!this.outbox.refused.length) this.box.close();
    else if (!this.box.open) this.box.showModal();
  }

  item(entry) {
    const { image_id: image, node } = entry.body ?? {};
    const what = entry.withdraws ? "Taking back a label" : `Picture ${image}: ${node || "unusable"}`;
    const why = `${sentence(entry.error.error)} ${sentence(entry.error.remedy)}`;
    const again = button("", "", "Try again");
    again.onclick = () => [this.outbox.retry(entry), this.open()];
    const discard = button("", "", "Discard");
    discard.onclick = () => [this.outbox.drop(entry), this.open()];
    const made = element("li");
    made.append(named(what, "what"), element("p", "", why), again, discard);
    return made;
  }
}
