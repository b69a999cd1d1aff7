"""The folders of the archive by hand: looking, copying, renaming what the index does not know, fetching."""
