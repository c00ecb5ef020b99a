/* Walking in the tree as in the annotator; but a class is only gone to: what a whole screen gets takes a key of its own. */

class WallWalk extends Walk {
  choose(node) {
    this.goTo(node);
    this.tell(node);
  }
}
