/* Rows of small pictures, to see what an act is about. */

const MOST_THUMBNAILS = 40;

/* ids: the pictures; words(id): what to write below one, if anything. */
function thumbnails(place, ids, words = () => "") {
  const list = element("ul", "thumbs");
  for (const id of ids.slice(0, MOST_THUMBNAILS)) {
    const item = element("li");
    const picture = thumbnail(place, id, 96);
    picture.alt = `Picture ${id}`;
    picture.loading = "lazy";
    item.append(picture);
    const below = words(id);
    if (below) {
      item.append(named(below, "below"));
      item.title = below;
      list.classList.add("told"); // wider, so that a name can be read
    }
    list.append(item);
  }
  if (ids.length > MOST_THUMBNAILS) list.append(element("li", "rest", `and ${whole(ids.length - MOST_THUMBNAILS)} more`));
  return list;
}
