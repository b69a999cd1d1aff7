"""Sessions that were archived under a wrong animal, number or date: their rows, files and manifests move."""
