"""One run of a stage: from a config to its inputs, its signature, its folder and its result."""
