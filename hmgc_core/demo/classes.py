"""The class tree of the demo set: five families, fifteen genera, forty-five species of birds and ships."""

from functools import cache

from hmgc_core.taxonomy import ADDED_ROOT, NodeText, Taxonomy

# key, name, other names, and for annotators what to look for
_CLASSES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("albatross", "Albatross", ("Diomedeidae", "Seabird"), "Long narrow wings, a long hooked bill, webbed feet."),
    ("albatross/great", "Great albatross", ("Diomedea",), "Heavy bill, white body, straight narrow wings."),
    ("albatross/great/wandering", "Wandering albatross", ("Diomedea exulans", "Snowy albatross"), "Salmon cheek."),
    ("albatross/great/royal", "Royal albatross", ("Diomedea epomophora", "Toroa"), "White wing bars, blue feet."),
    ("albatross/great/antipodean", "Antipodean albatross", ("Diomedea antipodensis",), "Brown cap and spots."),
    ("albatross/mollymawk", "Mollymawk", ("Thalassarche",), "Short broad grey wings, a fan-shaped tail."),
    ("albatross/mollymawk/black-browed", "Black-browed mollymawk", ("Thalassarche melanophris",), "Orange bill."),
    ("albatross/mollymawk/grey-headed", "Grey-headed mollymawk", ("Thalassarche chrysostoma",), "Grey cap, pale bars."),
    (
        "albatross/mollymawk/yellow-nosed",
        "Yellow-nosed mollymawk",
        ("Thalassarche chlororhynchos",),
        "Black wing tips.",
    ),
    ("albatross/north-pacific", "North Pacific albatross", ("Phoebastria",), "Brown, swept-back wings, forked tail."),
    (
        "albatross/north-pacific/black-footed",
        "Black-footed albatross",
        ("Phoebastria nigripes",),
        "Black feet and bill.",
    ),
    (
        "albatross/north-pacific/laysan",
        "Laysan albatross",
        ("Phoebastria immutabilis",),
        "Dark brow, pink feet, pale bars.",
    ),
    (
        "albatross/north-pacific/short-tailed",
        "Short-tailed albatross",
        ("Phoebastria albatrus", "Steller's albatross"),
        "Golden cap, blue feet, white wing tips.",
    ),
    ("owl", "Owl", ("Strigiformes",), "Upright, with a round face and large eyes that look at you."),
    ("owl/eagle", "Eagle-owl", ("Bubo", "Horned owl"), "Large, with ear tufts."),
    ("owl/eagle/eurasian", "Eurasian eagle-owl", ("Bubo bubo",), "Orange eyes, a streaked breast."),
    (
        "owl/eagle/great-horned",
        "Great horned owl",
        ("Bubo virginianus", "Tiger owl"),
        "White bib over a barred breast.",
    ),
    ("owl/eagle/spotted", "Spotted eagle-owl", ("Bubo africanus",), "White spots on the breast, pale wing bars."),
    ("owl/barn", "Barn owl", ("Tyto",), "Slim and long-legged, with a heart-shaped face and dark eyes."),
    ("owl/barn/common", "Common barn owl", ("Tyto alba", "Church owl"), "Dark spots on a white breast."),
    ("owl/barn/grass", "Grass owl", ("Tyto capensis",), "Dark cap, plain breast, cream wing bars."),
    ("owl/barn/masked", "Masked owl", ("Tyto novaehollandiae",), "Chestnut rim around the face, a barred breast."),
    ("owl/pygmy", "Pygmy owl", ("Glaucidium", "Owlet"), "Small and round, with a long banded tail."),
    (
        "owl/pygmy/eurasian",
        "Eurasian pygmy owl",
        ("Glaucidium passerinum",),
        "White brows, a barred breast, yellow feet.",
    ),
    ("owl/pygmy/ferruginous", "Ferruginous pygmy owl", ("Glaucidium brasilianum",), "Rusty cap and streaks."),
    ("owl/pygmy/pearl-spotted", "Pearl-spotted owlet", ("Glaucidium perlatum",), "Spotted breast, white wing bars."),
    ("heron", "Heron", ("Ardeidae", "Wader"), "Long legs, a bill like a dagger."),
    ("heron/great", "Great heron", ("Ardea",), "Tall and blue-grey, with a drooping crest."),
    ("heron/great/grey", "Grey heron", ("Ardea cinerea",), "Black spots down the throat."),
    ("heron/great/purple", "Purple heron", ("Ardea purpurea",), "Rusty neck, wine-red shoulder, yellow legs."),
    (
        "heron/great/black-headed",
        "Black-headed heron",
        ("Ardea melanocephala",),
        "Black head and nape, pale wing bars.",
    ),
    ("heron/egret", "Egret", ("Egretta",), "White and slender, with loose plumes on the back."),
    ("heron/egret/little", "Little egret", ("Egretta garzetta",), "Black bill and legs, yellow feet."),
    ("heron/egret/reddish", "Reddish egret", ("Egretta rufescens",), "Rusty head and nape, a two-coloured bill."),
    ("heron/egret/chinese", "Chinese egret", ("Egretta eulophotes", "Swinhoe's egret"), "Blue face, yellow bill."),
    ("heron/night", "Night heron", ("Nycticorax",), "Stocky, with a short neck and short legs."),
    ("heron/night/black-crowned", "Black-crowned night heron", ("Nycticorax nycticorax",), "Black cap and shoulder."),
    ("heron/night/yellow-crowned", "Yellow-crowned night heron", ("Nyctanassa violacea",), "Black mask, white cheek."),
    (
        "heron/night/rufous",
        "Rufous night heron",
        ("Nycticorax caledonicus", "Nankeen night heron"),
        "Rusty cap and bars.",
    ),
    ("sailing-ship", "Sailing ship", ("Sailing vessel", "Windjammer"), "Masts and sails, no funnel."),
    ("sailing-ship/cutter", "Cutter", ("Sloop",), "One mast."),
    ("sailing-ship/cutter/pilot", "Pilot cutter", (), "Red disc on the sail, white band."),
    ("sailing-ship/cutter/customs", "Customs cutter", ("Revenue cutter",), "Blue stripes on the sail, blue band."),
    ("sailing-ship/cutter/oyster", "Oyster cutter", ("Oyster smack",), "Plain sail, green band."),
    ("sailing-ship/schooner", "Schooner", (), "Two masts, sails along the ship."),
    ("sailing-ship/schooner/banks", "Banks schooner", ("Fishing schooner",), "Black disc on the sail, yellow band."),
    ("sailing-ship/schooner/packet", "Packet schooner", ("Mail schooner",), "Red stripes on the sails, red band."),
    ("sailing-ship/schooner/pearl", "Pearl schooner", (), "Plain sails, teal band."),
    ("sailing-ship/square-rigger", "Square-rigger", ("Full-rigged ship",), "Three masts, sails across the ship."),
    ("sailing-ship/square-rigger/tea-clipper", "Tea clipper", ("Clipper",), "Green discs on the sails, yellow band."),
    ("sailing-ship/square-rigger/frigate", "Frigate", ("Man-of-war",), "Black gun ports on a white band, red hems."),
    ("sailing-ship/square-rigger/training", "Training ship", ("School ship",), "Blue stripes on the sails, blue band."),
    ("steamship", "Steamship", ("Steamer",), "Funnels and smoke, no sails."),
    ("steamship/tug", "Tug", ("Tugboat",), "Short and high, one stout funnel."),
    ("steamship/tug/harbour", "Harbour tug", (), "One red ring, red band."),
    ("steamship/tug/salvage", "Salvage tug", (), "Two blue rings, yellow band."),
    ("steamship/tug/pilot", "Pilot tug", ("Pilot boat",), "One green ring, white band."),
    ("steamship/paddler", "Paddle steamer", ("Side-wheeler",), "Long, low and white, a round box over the wheel."),
    ("steamship/paddler/excursion", "Excursion steamer", (), "Two red rings, an orange sun on the wheel box."),
    ("steamship/paddler/mail", "Mail steamer", (), "One blue ring, a blue sun on the wheel box."),
    ("steamship/paddler/lake", "Lake steamer", (), "Green and yellow ring, a green sun on the wheel box."),
    ("steamship/liner", "Ocean liner", ("Liner",), "Very long, three funnels."),
    ("steamship/liner/atlantic", "Atlantic liner", (), "Red rings, white band."),
    ("steamship/liner/polar", "Polar liner", (), "Two white rings, teal band."),
    ("steamship/liner/orient", "Orient liner", (), "Green rings, yellow band."),
)

LEAVES = tuple(key for key, *_ in _CLASSES if key.count("/") == 2)


@cache
def demo_taxonomy() -> Taxonomy:
    """The tree of 5, 15 and 45 classes below one root, with names, synonyms and notes."""
    texts = {key: NodeText(name, synonyms, note) for key, name, synonyms, note in _CLASSES}
    texts[ADDED_ROOT] = NodeText("Bird or ship", (), "Something is there, and no more can be said.")
    return Taxonomy.from_edges(((key, key.rpartition("/")[0]) for key in texts if key != ADDED_ROOT), texts)
