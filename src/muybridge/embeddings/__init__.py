"""A model in the user's hands: ``load`` makes a module of whatever the verbs take, ``embed`` writes its features of many videos."""
