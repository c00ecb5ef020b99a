"""One file per screen. A page asks for values, draws them, and hands verbs to callbacks."""
