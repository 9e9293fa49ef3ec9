"""Texts for people and for other programs: secrets taken out, sentences, formulas, CSV, tables on a terminal."""
