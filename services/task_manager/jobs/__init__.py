"""Jobs: single pictures that the detector alone recognises, each an image of a standing task of its owner."""
