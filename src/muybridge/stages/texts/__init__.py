"""Classification by texts: prompts, names of classes, and the models that can be asked."""
