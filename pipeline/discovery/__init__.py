"""How discover is quick: sessions written together, listings asked for before they are needed."""
